"""A job's processes: started, tracked, signalled, watched over.

`job_process` starts one, `process_tracker` finds all, `orphans` adopts, `watchdog` outlives the runner.
The attempt and above import it.
"""
