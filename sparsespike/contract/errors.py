"""The one exception of the contract: bad input, told in one line."""


class ContractError(ValueError):
    """Bad input; the message is one line that says what is wrong, where, and how to mend it."""
