-- Behind counters.lua in one script: holds and their leases, and what can be asked.

-- Claims as they come in: nine arguments each.
local function claims_at(at, count)
  local claims = {}
  for place = 1, count do
    claims[place] = {
      name = ARGV[at], kind = ARGV[at + 1], limit = tonumber(ARGV[at + 2]),
      units = tonumber(ARGV[at + 3]), most = tonumber(ARGV[at + 4]),
      p = tonumber(ARGV[at + 5]), q = tonumber(ARGV[at + 6]), remembered = ARGV[at + 7] == '1',
      targets = ARGV[at + 8],
    }
    at = at + 9
  end
  return claims, at
end

-- A hold is one text: a line each for its places, its targets left out and whether it expired, and
-- seven for each claim.
local function keep(id, hold)
  local lines = {hold.places, hold.out, hold.expired and '1' or ''}
  for _, c in ipairs(hold) do
    for _, line in ipairs({
      c.name, c.kind, text(c.units), text(c.most), text(c.mark), text(c.p), text(c.q),
    }) do lines[#lines + 1] = line end
  end
  call('SET', tag .. ':h:' .. id, table.concat(lines, '\n'), 'EX', hold.expired and KEPT or IDLE)
end

local function hold_in(kept)
  if not kept then return nil end
  local lines = {}
  for line in string.gmatch(kept .. '\n', '([^\n]*)\n') do lines[#lines + 1] = line end
  local hold = {places = lines[1], out = lines[2], expired = lines[3] == '1'}
  for at = 4, #lines, 7 do
    hold[#hold + 1] = {
      name = lines[at], kind = lines[at + 1], units = tonumber(lines[at + 2]),
      most = tonumber(lines[at + 3]), mark = tonumber(lines[at + 4]),
      p = tonumber(lines[at + 5]), q = tonumber(lines[at + 6]),
    }
  end
  return hold
end

local function kept(id) return hold_in(call('GET', tag .. ':h:' .. id)) end

local function lease(id, until_ms) call('ZADD', tag .. ':leases', text(until_ms), id) end

local function drop(id)
  call('DEL', tag .. ':h:' .. id)
  call('ZREM', tag .. ':leases', id)
  call('ZREM', tag .. ':expired', id)
end

-- Ends holds whose owner fell silent: money, tokens and requests as estimated, running ones free.
local function reap(most)
  local silent = call('ZRANGEBYSCORE', tag .. ':leases', '-inf', text(now), 'LIMIT', 0, most)
  for _, id in ipairs(silent) do
    local hold = kept(id)
    call('ZREM', tag .. ':leases', id)
    if hold then
      for _, c in ipairs(hold) do c.mark = opened(c).expire(c, c.units, c.mark) end
      hold.expired = true
      keep(id, hold)
      call('ZADD', tag .. ':expired', text(now), id)
    end
  end
  if #silent > 0 then
    call('ZREMRANGEBYSCORE', tag .. ':expired', '-inf', text(now - KEPT * 1000))
  end
  return #silent
end

local function covers(targets, left)
  if targets == '' then return true end
  for target in string.gmatch(targets, '%d+') do
    if left[target] then return true end
  end
  return false
end

-- Which claims there is room for. What has none takes its targets out, or refuses.
local function room_for(claims, targets)
  local left, used_up = {}, {}
  for target = 1, targets do left[tostring(target)] = true end
  for at, c in ipairs(claims) do
    local short = KINDS[c.kind].shortage(c)
    if short then
      used_up[#used_up + 1] = {at, text(short[1]), text(short[2]), text(short[3])}
      if c.targets == '' then return nil, {used_up[#used_up]} end
      for target in string.gmatch(c.targets, '%d+') do left[target] = nil end
    end
  end
  if #used_up > 0 and next(left) == nil then return nil, used_up end
  return left, used_up
end

-- ID, lease ms, number of targets, number of claims, claims.
local function reserve()
  local id, targets = ARGV[3], tonumber(ARGV[5])
  local claims = claims_at(7, tonumber(ARGV[6]))
  reap(REAPED)
  if call('EXISTS', tag .. ':ended:' .. id) == 1 then return {2, epoch()} end
  local known = kept(id)
  if known then return {1, epoch(), known.places, known.out, {}, {}} end
  local unseeded = {}
  for at, c in ipairs(claims) do
    opened(c)
    if c.remembered and c.is.seeded == 0 then unseeded[#unseeded + 1] = at end
  end
  if #unseeded > 0 then return {-1, epoch(), unseeded} end
  local left, used_up = room_for(claims, targets)
  if not left then return {0, epoch(), used_up[1]} end
  local hold, places, nearly, out = {}, {}, {}, {}
  for at, c in ipairs(claims) do
    if covers(c.targets, left) then
      c.mark = KINDS[c.kind].take(c)
      hold[#hold + 1], places[#places + 1] = c, at
      local ends = KINDS[c.kind] == Tally and near(c)
      if ends then nearly[#nearly + 1] = {at, text(ends)} end
    end
  end
  for target = 1, targets do
    if not left[tostring(target)] then out[#out + 1] = target end
  end
  hold.places, hold.out = table.concat(places, ','), table.concat(out, ',')
  keep(id, hold)
  lease(id, now + tonumber(ARGV[4]))
  return {1, epoch(), hold.places, hold.out, used_up, nearly}
end

local Steps = {}

function Steps.raise(id, claims)
  local hold = kept(id)
  if not hold or hold.expired then return 0 end
  for at, wanted in ipairs(claims) do
    local c = hold[at]
    if wanted.units > c.units then
      c.p, c.q = wanted.p, wanted.q
      opened(c).grow(c, wanted.units - c.units, risk_of(c, c.units) - risk_of(c, wanted.units))
      c.units = wanted.units
    end
  end
  keep(id, hold)
  return 1
end

function Steps.settle(id, claims, known_epoch, ended_ms)
  local hold, is_of_this = kept(id), known_epoch == epoch()
  if hold then
    for at, used in ipairs(claims) do
      local c = hold[at]
      c.p, c.q = used.p, used.q
      local counted = opened(c)
      local ends = hold.expired and counted.correct or counted.settle
      ends(c, c.units, used.units, c.mark)
    end
    drop(id)
    if not is_of_this then ended_already(id) end
    return 1
  end
  if is_of_this or ended_already(id) then return 0 end
  for _, used in ipairs(claims) do opened(used).book(used, used.units, ended_ms) end
  return 1
end

-- Whatever a reservation took of which no word came back: given back, also if it comes later.
function Steps.release(id)
  local hold = kept(id)
  if hold and not hold.expired then
    for _, c in ipairs(hold) do opened(c).settle(c, c.units, 0, c.mark) end
    drop(id)
  end
  ended_already(id)
  return 1
end

-- A hold that this store does not know: it was made while it was away, or before it lost its data.
function Steps.restore(id, claims, _, lease_ms)
  if call('EXISTS', tag .. ':h:' .. id, tag .. ':ended:' .. id) > 0 then return 0 end
  local hold = {places = '', out = ''}
  for at, c in ipairs(claims) do
    c.mark = opened(c).take(c)
    hold[at] = c
  end
  keep(id, hold)
  lease(id, now + lease_ms)
  return 1
end

-- Number of steps; of each what, ID, epoch, moment or lease in ms, number of claims, claims.
local function apply()
  local done, at = {}, 4
  for _ = 1, tonumber(ARGV[3]) do
    local what, id, known_epoch, moment = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
    local claims
    claims, at = claims_at(at + 5, tonumber(ARGV[at + 4]))
    done[#done + 1] = Steps[what](id, claims, known_epoch, tonumber(moment))
  end
  return {epoch(), done}
end

-- Names of counters that have ended by themselves are let go, a few at a time.
local function forget_names()
  for _, name in ipairs(call('SRANDMEMBER', tag .. ':counters', FORGOTTEN)) do
    if call('EXISTS', tag .. ':c:' .. name) == 0 then call('SREM', tag .. ':counters', name) end
  end
end

-- Lease ms, IDs: the owner of these lives. Which of them are not known; how many others ended.
local function renew()
  local until_ms, unknown = now + tonumber(ARGV[3]), {}
  for at = 4, #ARGV do
    local id = ARGV[at]
    local hold = kept(id)
    if not hold then
      unknown[#unknown + 1] = id
    else
      if hold.expired then
        for _, c in ipairs(hold) do c.mark = opened(c).revive(c, c.units, c.mark) end
        hold.expired = false
        keep(id, hold)
        call('ZREM', tag .. ':expired', id)
      end
      call('EXPIRE', tag .. ':h:' .. id, IDLE)
      lease(id, until_ms)
    end
  end
  forget_names()
  return {epoch(), unknown, reap(100)}
end

-- A claim, number of slots, each with its units: what the ledger knows, unless it was told before.
local function seed()
  local claims, at = claims_at(3, 1)
  local c = claims[1]
  opened(c)
  if c.is.seeded ~= 0 then return 0 end
  c.is.seeded = now
  for _ = 1, tonumber(ARGV[at]) do
    book(c, tonumber(ARGV[at + 2]), tonumber(ARGV[at + 1]))
    at = at + 2
  end
  c.is.lim = c.limit
  save_tally(c)
  return 1
end

-- Names of counters: how each stands. Those that are gone are forgotten.
local function states()
  local found = {}
  for at = 3, #ARGV do
    local c = {name = ARGV[at]}
    local known = call('HMGET', key_of(c), 'kind', 'p', 'q')
    if not known[1] then
      call('SREM', tag .. ':counters', c.name)
    else
      c.kind, c.p, c.q = known[1], number(known[2]), number(known[3])
      opened(c)
      local is = c.is
      local used = c.kind == 'even' and math.ceil(is.level / MINUTE) or is.used or 0
      local ends = c.kind == 'calendar' and is.q or -1
      found[#found + 1] = {
        c.name, text(is.lim), text(used), text(is.held or 0), text(is.risk or 0),
        text(is.over or 0), text(ends),
      }
    end
  end
  return found
end

-- The names of all counters.
local function names() return call('SMEMBERS', tag .. ':counters') end

-- ID, and what the ledger says its exchange used: requests, tokens, nano-USD, accounts charged. An
-- estimate that was booked for an owner that fell silent gives way to it.
local function amend()
  local hold, used, charged = kept(ARGV[3]), {}, {}
  if not hold or not hold.expired then return 0 end
  used.requests, used.tokens, used.nano_usd = ARGV[4], ARGV[5], ARGV[6]
  for at = 7, #ARGV do charged[ARGV[at]] = true end
  for _, c in ipairs(hold) do
    local account, unit = string.match(c.name, '^(.*)|([^|]*)|[^|]*$')
    local units = charged[account] and number(used[unit]) or 0
    opened(c).correct(c, c.units, units, c.mark)
  end
  drop(ARGV[3])
  return 1
end

-- How many: holds that were booked as estimated, the oldest first.
local function expired()
  return call('ZRANGE', tag .. ':expired', 0, tonumber(ARGV[3]) - 1)
end

local DOES = {
  reserve = reserve, apply = apply, renew = renew, seed = seed, states = states,
  names = names, expired = expired, amend = amend,
}
return DOES[ARGV[1]]()
