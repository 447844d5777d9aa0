"""The stand-in for Gemini Live: its wire protocol and its timing, played by a script. It is no language model.

`script` what it says · `setup` what a session asks for · `turns` who speaks (VAD) · `speaker` speech and its play-out
clock · `resumption` handles · `session` one session, without sockets · `server` the sockets.
"""
