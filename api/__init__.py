"""HTTP: one blueprint per resource of the Batch AI REST API. Decode, call one thing, encode."""
