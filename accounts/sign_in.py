"""The sign-in form: allauth's, without the words that our page says in its own place."""

from typing import Any

from allauth.account.forms import LoginForm


class SignInForm(LoginForm):
    """Its page links "Forgot it?" beside the label, so no hint repeats it, and labels need no placeholders."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
