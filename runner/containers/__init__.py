"""Jobs in containers: the image fetched, one container per attempt, the job's processes inside it.

`workplace` is what the runner uses. The docker command does the work (or podman's, which takes the same
words). What must hold although the daemon behind it hangs is done without it, on the processes themselves.
"""
