"""The provider's API spoken in Python: one client, typed results, failures that say what we now know.

This room knows no Django and could be published on its own. Start at `upstream.client.ProviderClient`.
"""
