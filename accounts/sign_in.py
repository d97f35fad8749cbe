"""allauth's sign-in form, without the texts that our page shows elsewhere."""

from typing import Any

from allauth.account.forms import LoginForm


class SignInForm(LoginForm):
    """No help text: the page links "Forgot it?" next to the label. No placeholders: every field has a label."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
