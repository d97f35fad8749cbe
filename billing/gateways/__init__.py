"""Payment gateways: a folder each, all of the shape in `contract.py`, found by `registry.py`: see docs/gateways.md."""
