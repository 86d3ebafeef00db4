"""Why the host refuses to start, written so that the app's writer can mend it."""


class Stopped(BaseException):
    """A signal came before the host was ready. No Exception, so that an app's import does not catch it."""


class HostError(Exception):
    """The app cannot be served. `message` says what is wrong, `advice` what to do about it."""

    def __init__(self, message: str, advice: str) -> None:
        self.message = message
        self.advice = advice
        super().__init__(f"{message}\nWhat to do: {advice}")
