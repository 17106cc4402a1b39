-- Caps on Valkey or Redis: every call is one atomic step over all the counters of an exchange.
--
-- KEYS[1] names the installation, `{name}:epoch`; all other keys have its hash tag.
-- ARGV: what to do, the moment in UTC milliseconds (0: this server's), its arguments.
-- Numbers are integers below 2^53; they leave as text, for Lua would round them.
--
-- {name}:c:COUNTER  hash: kind, lim (the limit last asked for), and by kind
--     even      level and drained (units times 60,000), at (ms)
--     gauge     held
--     calendar  used, held, risk, over (the furthest overspend), begins, p, q (s), seeded (ms)
--     sliding   the same, first (slot), and each slot's units by its number
-- {name}:h:ID       a hold: its places, what it left out, whether it expired, and its claims
-- {name}:leases     sorted set: until when (ms) each hold is kept without word of its owner
-- {name}:expired    sorted set: holds whose owner fell silent, and when; booked as estimated
-- {name}:ended:ID   what ended without a hold, so that it is not booked twice
-- {name}:counters   set: the names of all counters

local MINUTE = 60000
local WRAP = 2 ^ 52
local KEPT = 86400 -- s, in which a late settlement still corrects an estimate
local IDLE = 172800 -- s, that a counter outlives its window
local FORGOTTEN = 20 -- names of counters, at most, that are looked at with each renewal
local REAPED = 8 -- holds, at most, that a reservation ends for others

local call, tag = redis.call, string.match(KEYS[1], '^(.*):epoch$')
local now = tonumber(ARGV[2])
if now == 0 then
  local time = call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local now_s = math.floor(now / 1000)

local function text(number) return string.format('%.0f', number) end
local function number(value) return tonumber(value or 0) end
local function risk_of(c, held) return math.max(0, c.most - held) end

local function epoch()
  local known = call('GET', KEYS[1])
  if not known then
    local time = call('TIME')
    known = redis.sha1hex(tag .. time[1] .. '.' .. time[2])
    call('SET', KEYS[1], known)
  end
  return known
end

local function ended_already(id)
  return not call('SET', tag .. ':ended:' .. id, '1', 'NX', 'EX', KEPT)
end

-- What counts one cap, `c`: name, kind, limit, units, most, p and q (a calendar's beginning and
-- end, a sliding window's slot and length, in seconds). Its hash is read once, into `c.is`.

local FIELDS = {
  even = {'lim', 'level', 'drained', 'at'},
  gauge = {'lim', 'held'},
  calendar = {'lim', 'used', 'held', 'risk', 'over', 'begins', 'seeded', 'p', 'q'},
  sliding = {'lim', 'used', 'held', 'risk', 'over', 'first', 'seeded', 'p', 'q'},
}

local function key_of(c) return tag .. ':c:' .. c.name end

local function read(c)
  local names = FIELDS[c.kind]
  local found = call('HMGET', key_of(c), unpack(names))
  c.is = {}
  for at, name in ipairs(names) do c.is[name] = number(found[at]) end
end

local function write(c, window_s)
  local fields = {'kind', c.kind}
  for _, name in ipairs(FIELDS[c.kind]) do
    fields[#fields + 1] = name
    fields[#fields + 1] = text(c.is[name])
  end
  if call('HSET', key_of(c), unpack(fields)) > 0 then call('SADD', tag .. ':counters', c.name) end
  call('EXPIRE', key_of(c), window_s + IDLE)
end

-- A minute's amount may come at once, then it drains evenly.
local Even = {}

function Even.open(c)
  read(c)
  local is, limit = c.is, c.limit or 0
  if limit == 0 then limit = c.is.lim end
  if now > is.at then
    local drop = math.min(is.level, limit * (now - is.at))
    is.level, is.drained, is.at = is.level - drop, (is.drained + drop) % WRAP, now
  end
end

function Even.shortage(c)
  local over = c.is.level + (c.units - c.limit) * MINUTE
  if over <= 0 then return nil end
  local wait = c.units > c.limit and -1 or math.ceil(over / c.limit)
  return {math.max(0, c.limit - math.ceil(c.is.level / MINUTE)), wait, -1}
end

function Even.take(c)
  local mark = (c.is.drained + c.is.level) % WRAP
  c.is.lim, c.is.level = c.limit, c.is.level + c.units * MINUTE
  write(c, 0)
  return mark
end

function Even.grow(c, more)
  c.is.level = c.is.level + more * MINUTE
  write(c, 0)
end

-- Only what has not drained yet is given back.
function Even.settle(c, held, used, mark)
  local is = c.is
  if used >= held then return Even.grow(c, used - held) end
  local gone = (is.drained - mark) % WRAP
  if gone >= WRAP / 2 then gone = 0 end
  local left = held * MINUTE - math.min(gone, held * MINUTE)
  local back = math.min((held - used) * MINUTE, left, is.level)
  is.level, is.drained = is.level - back, (is.drained + back) % WRAP
  write(c, 0)
end

function Even.expire(_, _, mark) return mark end
function Even.revive(_, _, mark) return mark end
function Even.correct() end
function Even.book() end

-- How many requests are running.
local Gauge = {open = read}

local function move_gauge(c, by)
  c.is.held = c.is.held + by
  write(c, 0)
  return 0
end

function Gauge.shortage(c)
  if c.is.held < c.limit then return nil end
  return {0, 5000, -1}
end

function Gauge.take(c)
  c.is.lim = c.limit
  return move_gauge(c, 1)
end

function Gauge.grow() end
function Gauge.settle(c) move_gauge(c, -1) end
function Gauge.expire(c) return move_gauge(c, -1) end
function Gauge.revive(c) return move_gauge(c, 1) end
function Gauge.correct() end
function Gauge.book() end

-- What is used and held in a window.
local Tally = {}

local function forget_slots(c, oldest)
  local all, first = call('HGETALL', key_of(c)), 0
  for at = 1, #all, 2 do
    local slot = tonumber(all[at])
    if slot and slot < oldest then
      c.is.used = c.is.used - tonumber(all[at + 1])
      call('HDEL', key_of(c), all[at])
    elseif slot and (first == 0 or slot < first) then
      first = slot
    end
  end
  c.is.first = first
end

-- A calendar's window is the caller's, unless a later one is known: by this server's clock, or by
-- another caller. A clock behind opens no window again.
local function calendar_now(c)
  local is, begins, ends = c.is, c.p, c.q
  if now_s >= ends then begins, ends = ends, ends + ends - begins end
  if is.begins < begins and (is.begins == 0 or now_s >= begins) then
    is.begins, is.p, is.q, is.used, is.over = begins, begins, ends, 0, 0
  end
end

function Tally.open(c)
  read(c)
  if c.kind == 'calendar' then return calendar_now(c) end
  c.is.p, c.is.q = c.p, c.q
  local oldest = math.floor((now_s - c.q) / c.p)
  if c.is.first ~= 0 and c.is.first < oldest then forget_slots(c, oldest) end
end

local function save_tally(c)
  write(c, c.kind == 'sliding' and c.q or math.max(0, c.is.q - now_s))
end

local function room_at(c, over)
  if c.kind == 'calendar' then return c.is.q end
  local slots, all = {}, call('HGETALL', key_of(c))
  for at = 1, #all, 2 do
    if tonumber(all[at]) then slots[#slots + 1] = {tonumber(all[at]), tonumber(all[at + 1])} end
  end
  table.sort(slots, function(one, other) return one[1] < other[1] end)
  for _, slot in ipairs(slots) do
    over = over - slot[2]
    if over <= 0 then return (slot[1] + 1) * c.p + c.q end
  end
  return -1
end

function Tally.shortage(c)
  local left = c.limit - c.is.used - c.is.held
  if c.units <= left or c.units == 0 then return nil end
  local at = room_at(c, c.units - left)
  local wait = -1
  if at >= 0 and c.units <= c.limit then wait = math.max(1, at - now_s) * 1000 end
  return {math.max(0, left), wait, at}
end

function Tally.take(c)
  c.is.lim, c.is.held = c.limit, c.is.held + c.units
  c.is.risk = c.is.risk + risk_of(c, c.units)
  save_tally(c)
  return 0
end

-- Until when a tally is nearly used up; nil where it is not.
local function near(c)
  if c.limit == 0 or (c.is.used + c.is.held) * 5 < c.limit * 4 then return nil end
  return c.kind == 'calendar' and c.is.q or -1
end

local function is_seeded(c)
  local length = c.kind == 'sliding' and c.q or c.q - c.p
  return c.is.seeded ~= 0 or length <= 60
end

-- Books units, in a slot of now unless another is named; the slot, or the window's beginning.
-- Where a counter is not seeded, the ledger will tell what was used.
local function book(c, units, slot)
  if not is_seeded(c) then units = 0 end
  c.is.used = c.is.used + units
  if c.kind == 'calendar' then return c.is.begins end
  slot = slot or math.floor(now_s / c.p)
  if units ~= 0 then
    call('HINCRBY', key_of(c), text(slot), text(units))
    if c.is.first == 0 or slot < c.is.first then c.is.first = slot end
  end
  return slot
end

local function move(c, held, risk)
  c.is.held, c.is.risk = c.is.held + held, c.is.risk + risk
  c.is.over = math.max(c.is.over, c.is.used + c.is.held - c.is.lim)
  save_tally(c)
end

function Tally.grow(c, more, risk_less) move(c, more, -risk_less) end

function Tally.settle(c, held, used)
  book(c, used)
  move(c, -held, -risk_of(c, held))
end

function Tally.expire(c, held)
  local mark = book(c, held)
  move(c, -held, -risk_of(c, held))
  return mark
end

-- Replaces what was booked at `mark`. What has left the window since is not missed.
function Tally.correct(c, held, used, mark)
  if c.kind == 'calendar' then
    if c.is.begins == mark or used > held then book(c, used - held) end
  else
    local is_there = call('HEXISTS', key_of(c), text(mark)) == 1
    if is_there or used > held then book(c, used - held, is_there and mark or nil) end
  end
  move(c, 0, 0)
end

function Tally.revive(c, held, mark)
  Tally.correct(c, held, 0, mark)
  move(c, held, risk_of(c, held))
  return 0
end

-- What was used while nobody could say so here. What the ledger told at the seeding is not added.
function Tally.book(c, used, ended_ms)
  if c.is.seeded ~= 0 and ended_ms > c.is.seeded then book(c, used) end
  move(c, 0, 0)
end

local KINDS = {even = Even, gauge = Gauge, calendar = Tally, sliding = Tally}

local function opened(c)
  KINDS[c.kind].open(c)
  return KINDS[c.kind]
end
