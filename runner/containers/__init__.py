"""Jobs in containers: the image fetched, one container per attempt, the job's processes inside it.

The docker command does the work, or podman's; what must hold although its daemon hangs is done without it.
The attempt imports `container_host`; nobody above needs more.
"""
