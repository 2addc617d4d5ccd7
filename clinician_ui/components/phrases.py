"""Small pieces of sentences that several pages need."""


def sentence(text: str) -> str:
    """A piece of a message as a sentence of its own."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def plain_text(text: str) -> str:
    """Typed text for a markdown element, shown as it is: markdown would make links and headings of it."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]()#+-!<>|$:~" else sign for sign in text)
