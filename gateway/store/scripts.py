"""What Redis is asked to do in one step. A client that waited in vain asks again, so each is idempotent."""

FENCED = -1  # what SAVE says of a call that another stream has claimed

# owner, least, ttl -> the fence, and what was saved: an owner that asks again has its fence already.
CLAIM = """
local known = redis.call('HMGET', KEYS[1], 'fence', 'owner', 'saved', 'seq', 'state')
local fence = tonumber(known[1] or 0)
if known[2] ~= ARGV[1] then fence = fence + 1 end
fence = math.max(fence, tonumber(ARGV[2]))
redis.call('HSET', KEYS[1], 'fence', fence, 'owner', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {fence, known[3], known[4], known[5]}
"""

# fence, seq, state, ttl
SAVE = """
local known = redis.call('HMGET', KEYS[1], 'fence', 'saved', 'seq')
local fence, seq = tonumber(ARGV[1]), tonumber(ARGV[2])
if tonumber(known[1] or 0) > fence then return -1 end
if tonumber(known[2] or -1) == fence and tonumber(known[3]) >= seq then return 0 end
redis.call('HSET', KEYS[1], 'fence', fence, 'saved', fence, 'seq', seq, 'state', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
"""

# call, limit (negative: none), ttl
ENTER = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local limit = tonumber(ARGV[2])
local inside = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not inside and limit >= 0 and redis.call('ZCARD', KEYS[1]) >= limit then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 1
"""
