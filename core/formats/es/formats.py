"""Numbers in Spanish as in every language of the shop; dates with the words that Spanish puts between their parts."""

DECIMAL_SEPARATOR = "."
THOUSAND_SEPARATOR = ","

# Templates write English patterns, and Django looks each one up here by its name.
globals().update(
    {
        "j F": r"j \d\e F",
        "j F Y": r"j \d\e F \d\e Y",
        "F Y": r"F \d\e Y",
        "l, j F": r"l, j \d\e F",
    }
)
