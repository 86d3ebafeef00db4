"""What can go wrong with the container of a job."""

from shared.errors import BatchAIError


class ContainerError(BatchAIError):
    """The container of a job could not be started: no image, no docker, a wrong option.

    `image` is its name, `transient` whether another try, perhaps on another node, may help.
    """

    def __init__(self, image: str, message: str, transient: bool = False) -> None:
        self.image = image
        self.transient = transient
        super().__init__(message)


class ContainerLostError(BatchAIError):
    """The container went away under the job: the daemon's or the machine's fault, not the job's."""
