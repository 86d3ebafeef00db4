"""Why the host refuses to start, told so that the app's writer can mend it."""


class HostError(Exception):
    """The app cannot be served. `message` says what is wrong, `advice` what to do about it."""

    def __init__(self, message: str, advice: str) -> None:
        self.message = message
        self.advice = advice
        super().__init__(f"{message}\nWhat to do: {advice}")
