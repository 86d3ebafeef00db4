"""A job's processes: started, tracked, signalled, watched over.

The attempt and above import it.
"""
