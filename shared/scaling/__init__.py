"""How many machines a cluster should have, which of them go, and why: decided from values alone. PURE.

`decision` decides, `demand` counts what jobs need, `state` is what one look leaves to the next, `pools` is
what is asked of the cloud. Stores and managers import it; it imports shared.jobs and below."""
