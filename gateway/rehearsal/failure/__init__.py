"""The failure rehearsal: real gateways, a real Valkey and a balancer between simulated phones and the stand-in, and
what becomes of the calls when one of them fails. It knows the gateway by its sockets alone.

`scenarios` what fails · `stage` who plays · `balancer` (`haproxy`, `own_balancer`) `valkey` `instance` the parts
`twilio` what Twilio does with a call · `caller` who speaks · `journal` what the model heard
`measure` what became of the calls · `report` in words · `soak` a thousand short calls · `run` the command
"""
