"""A job's processes: started, tracked, signalled, watched over.

`job_process` starts one, `process_tracker` finds all, `watchdog` ends them when the runner is gone.
The attempt and above import it.
"""
