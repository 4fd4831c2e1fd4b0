-- SPDX-License-Identifier: Apache-2.0
-- One decision about slots, whole or not at all. What it keeps and why: docs/coordination.md.
-- KEYS: the epoch, the nodes, the lane ("turn" only).
-- Times are milliseconds of the epoch's own clock. It goes on as this machine's does (TIME), but no
-- further than a live node attests, and no further than `slack` at once: a step of this machine's
-- clock ends no lease. What it once fell behind it never catches up with, since a lease that was
-- given meanwhile would end too early; by `slack` it may, so all that runs out waits that long more.
local op, node, seat, seq = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local known, run, claim, sent = ARGV[5], ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8])
local ttl, hold, seats = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local slack = math.floor(ttl / 2)
local terms = ttl .. ' ' .. hold .. ' ' .. seats

-- The epoch: a Redis that lost its memory, or was started anew from an older copy of it, begins
-- another one, in which nothing is granted until what was granted before must have ended.
local e = redis.call('HMGET', KEYS[1], 'id', 'run', 'now', 'open', 'terms', 'wall')
local id, now, open = e[1], tonumber(e[3] or '0'), tonumber(e[4] or '0')
local time = redis.call('TIME')
local wall = time[1] * 1000 + math.floor(time[2] / 1000)
local passed = math.min(slack, math.max(0, wall - tonumber(e[6] or wall)))
local is_unheld = redis.call('EXISTS', KEYS[2]) == 0
if not id or e[2] ~= run or (is_unheld and e[5] ~= terms) then
    id, open = node .. ':' .. seq, now + ttl + hold + slack
    redis.call('HSET', KEYS[1], 'id', id, 'run', run, 'now', now, 'open', open, 'terms', terms,
        'wall', wall)
elseif e[5] ~= terms then
    return {'terms', id, now, 0, wall}
end
if known ~= id then
    return {'epoch', id, now, math.max(0, open - now), wall}
end

-- The nodes: until when each may dispatch, its seat, its last request, when the
-- renewal was sent, by the clock of this machine. A node whose
-- time is over keeps what it holds for as long as its calls may last. A seat is a place, the
-- process that sits there, and how many nodes (workers) that process has: it sits when all do.
local function place_of(word)
    local place, crew = word:match('^(%d+):%x+:(%d+)$')
    return place, tonumber(crew)
end
local nodes = {}
local entries = redis.call('HGETALL', KEYS[2])
for i = 1, #entries, 2 do
    local till, word, last, at, calm = entries[i + 1]:match('^(%d+) (%S+) (%d+) (%d+) (%d+)$')
    local place, crew = place_of(word)
    nodes[entries[i]] = {till = tonumber(till), seat = word, place = place, crew = crew,
                         seq = tonumber(last), at = tonumber(at), calm = tonumber(calm)}
end
local me = nodes[node]
if me and me.till > now then
    now = now + math.max(0, math.min(passed, claim - now))
end
redis.call('HSET', KEYS[1], 'now', now, 'wall', wall)
for name, entry in pairs(nodes) do
    entry.live = entry.till > now
    -- Of a node that is late by either clock nobody knows whether it has begun to use its share.
    entry.sits = entry.live and wall >= entry.at and wall < entry.at + ttl
    if entry.till + hold + slack <= now then
        redis.call('HDEL', KEYS[2], name)
        nodes[name] = nil
    end
end
me = nodes[node]
if me and seq <= me.seq then
    return {'stale', id, now, 0, wall}
end
local function note(till, at, calm)
    redis.call('HSET', KEYS[2], node,
        string.format('%d %s %d %d %d', till, seat, seq, at, calm))
end
local wait = math.max(0, open - now)

-- Who sat at a place last, how many of its nodes left it, and until when calls may run there of
-- which nobody told: a node that was not heard of for long may have used its share while Redis was
-- away, and its process be followed by another.
local function seat_record()
    local text = redis.call('HGET', KEYS[1], 'seat:' .. place_of(seat)) or ''
    local word, left, calm = text:match('^(%S+) (%d+) (%d+)$')
    return word, tonumber(left or '0'), tonumber(calm or '0')
end
local function write_seat(left, calm)
    redis.call('HSET', KEYS[1], 'seat:' .. place_of(seat),
        string.format('%s %d %d', seat, left, calm))
end
local function take_seat()
    local word, known, calm = seat_record()
    if word ~= seat then
        local _, crew = place_of(word or seat)
        for _, other in pairs(nodes) do
            local silent = wall - other.at
            if other.seat == word and silent >= 0 and silent < 3 * ttl + hold then
                known = known + 1
            end
        end
        if known < crew then
            calm = math.max(calm, now + hold + slack)
        end
        write_seat(0, calm)
    end
    return calm
end

if op == 'join' or op == 'renew' then
    if op == 'renew' and not (me and me.live) then
        return {'lapsed', id, now, wait, wall}
    end
    for name, other in pairs(nodes) do
        if other.sits and seats > 0 and other.place == place_of(seat) and other.seat ~= seat then
            return {'seat', id, now, wait, wall}
        end
    end
    local at, calm = math.min(wall, sent), 0 -- it may have been under way for long
    if seats > 0 then
        calm = take_seat()
    end
    note(now + ttl, at, calm)
    return {'ok', id, now, wait, wall}
elseif op == 'leave' then
    local word, left, calm = seat_record()
    if word == seat and me then
        write_seat(left + 1, calm)
    end
    redis.call('HDEL', KEYS[2], node)
    return {'ok', id, now, wait, wall}
end

-- The lane: what each node keeps, which grants it has seen, which were made, what it wants.
local is_entering, ceiling, keep = ARGV[12] == '1', tonumber(ARGV[13]), tonumber(ARGV[14])
local want, seen, lane = tonumber(ARGV[15]), tonumber(ARGV[16]), ARGV[17]
if not is_entering and not (me and me.live) then
    return {'lapsed', id, now, wait, wall}
end
local records, fence = {}, 0
local fields = redis.call('HGETALL', KEYS[3])
for i = 1, #fields, 2 do
    local name, text = fields[i], fields[i + 1]
    if name == 'fence' then
        fence = tonumber(text)
    elseif nodes[name] then
        local r, s, g, w, l, c = text:match('^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
        records[name] = {keep = tonumber(r), seen = tonumber(s), granted = tonumber(g),
                         want = tonumber(w), last = tonumber(l), ceiling = tonumber(c)}
    else
        redis.call('HDEL', KEYS[3], name) -- its calls must be over
    end
end
local function held(record)
    return record.keep + record.granted - record.seen
end
local function write(name, record)
    if held(record) == 0 and record.want == 0 then
        redis.call('HDEL', KEYS[3], name)
        records[name] = nil
    else
        redis.call('HSET', KEYS[3], name, string.format('%d %d %d %d %d %d', record.keep,
            record.seen, record.granted, record.want, record.last, record.ceiling))
    end
end

local mine = records[node]
if is_entering then
    local granted = math.max(mine and mine.granted or 0, seen) -- we may have forgotten some
    local kept = (mine or wait > 0) and keep or seats > 0 and math.min(keep, math.floor(ceiling / seats)) or 0
    note(me and me.till or now, me and me.at or 0, me and me.calm or 0)
    write(node, {keep = keep, seen = granted, granted = granted, want = 0,
                 last = mine and mine.last or 0, ceiling = ceiling})
    return {'entered', id, now, wait, wall, granted, kept}
end
note(me.till, me.at, me.calm)
mine = mine or {granted = 0, last = 0}
mine.granted = math.max(mine.granted, seen)
mine.keep, mine.seen, mine.want, mine.ceiling = keep, seen, want, ceiling
records[node] = mine

-- What may not be granted: what is held, and the shares of places where nobody, or not all of a
-- process, sits: the lane may live in the worker that is missing.
local function reserved()
    local sum, lost, sitting, taken = 0, {}, {}, {}
    for name, entry in pairs(nodes) do
        if entry.sits and entry.calm <= now then
            sitting[entry.seat] = (sitting[entry.seat] or 0) + 1
            taken[entry.place] = taken[entry.place] or sitting[entry.seat] == entry.crew
        end
        if entry.live and records[name] then
            ceiling = math.min(ceiling, records[name].ceiling)
        end
    end
    for name, record in pairs(records) do
        sum = sum + held(record)
        if not nodes[name].sits then
            local place = nodes[name].place
            lost[place] = (lost[place] or 0) + held(record)
        end
    end
    for place = 1, seats do
        if not taken[tostring(place)] then
            sum = sum + math.max(0, math.floor(ceiling / seats) - (lost[tostring(place)] or 0))
        end
    end
    return sum
end

-- The next slot goes to the node that holds least; among equals to the one that was granted
-- longest ago.
local function next_node()
    local best
    for name, record in pairs(records) do
        if record.want > 0 and nodes[name].live then
            local other = records[best]
            if not other or held(record) < held(other) or
                (held(record) == held(other) and (record.last < other.last or
                    (record.last == other.last and name < best))) then
                best = name
            end
        end
    end
    return best
end

local used = reserved()
local before = fence
if wait == 0 then
    local granted
    repeat -- again where a node turns out to hear nothing any more
        granted = {}
        local name = used < ceiling and next_node()
        while name do
            local record = records[name]
            fence, used = fence + 1, used + 1
            record.granted, record.want, record.last = record.granted + 1, record.want - 1, fence
            granted[name] = (granted[name] or 0) + 1
            name = used < ceiling and next_node()
        end
        local is_again = false
        for name, count in pairs(granted) do
            local record = records[name]
            if name ~= node then
                local heard = redis.call('PUBLISH', 'sluice:lease:' .. name,
                    string.format('%s %s %d %d', id, lane, record.granted, now))
                if heard == 0 then
                    record.granted, record.want = record.granted - count, 0
                    used, is_again = used - count, true
                end
                write(name, record)
            end
        end
    until not is_again
end
local total = 0
for _, record in pairs(records) do
    total = total + held(record)
end
local mine_held, mine_granted = held(mine), mine.granted
write(node, mine)
if next(records) == nil then
    redis.call('DEL', KEYS[3])
elseif fence ~= before then
    redis.call('HSET', KEYS[3], 'fence', fence)
end
return {'turn', id, now, wait, wall, mine_granted, total - mine_held}
