-- SPDX-License-Identifier: Apache-2.0
-- What coordination/lease.lua sees of a Redis, for shares.c: three hashes, a clock, and who listens.
-- Times come and go in milliseconds: of the epoch relative to its clock, `at` to the machine's.
local EPOCH, NODES, LANE = 'sluice:epoch', 'sluice:nodes', 'sluice:lane:x'
local NOW, WALL = 500000, 2000000
local names = {'a', 'b', 'c'}
local db, told, script, listens

redis = {}
local commands = {}
function commands.TIME()
    return {tostring(WALL / 1000), '0'}
end
function commands.EXISTS(key)
    return db[key] and 1 or 0
end
function commands.HGET(key, field)
    return db[key] and db[key][field] or false
end
function commands.HMGET(key, ...)
    local out = {}
    for i, field in ipairs({...}) do
        out[i] = commands.HGET(key, field)
    end
    return out
end
function commands.HGETALL(key)
    local out = {}
    for field, value in pairs(db[key] or {}) do
        out[#out + 1] = field
        out[#out + 1] = value
    end
    return out
end
function commands.HSET(key, ...)
    local words = {...}
    db[key] = db[key] or {}
    for i = 1, #words, 2 do
        db[key][words[i]] = tostring(words[i + 1])
    end
end
function commands.HDEL(key, field)
    if db[key] then
        db[key][field] = nil
        if next(db[key]) == nil then
            db[key] = nil
        end
    end
end
function commands.DEL(key)
    db[key] = nil
end
function commands.PUBLISH(channel, text)
    for i, name in ipairs(names) do
        if channel == 'sluice:lease:' .. name and listens[i] == 1 then
            told[i] = {text:match('^%S+ %S+ (%d+) (%d+)$')}
            return 1
        end
    end
    return 0
end
function redis.call(command, ...)
    return commands[command](...)
end

function load_script(path)
    script = assert(loadfile(path))
end

local function words_of(text)
    local out = {}
    for word in (text or ''):gmatch('%S+') do
        out[#out + 1] = word
    end
    return out
end

-- `s` is a flat list of numbers, read and written in one order: shares.c has the same.
local function decode(s)
    local at = 0
    local function take()
        at = at + 1
        return s[at]
    end
    db = {}
    local known, open, lag, seats, fence = take(), take(), take(), take(), take()
    if known == 1 then
        db[EPOCH] = {id = 'E', run = 'R', now = tostring(NOW), open = tostring(NOW + open),
                     terms = s.terms, wall = tostring(WALL - lag)}
    end
    for place = 1, 2 do
        local is_known, process, left, calm = take(), take(), take(), take()
        if is_known == 1 then
            db[EPOCH]['seat:' .. place] =
                string.format('%d:%x:1 %d %d', place, process, left, NOW + calm)
        end
    end
    for i, name in ipairs(names) do
        local there, till, seq, heard, calm, place = take(), take(), take(), take(), take(), take()
        if there == 1 then
            commands.HSET(NODES, name, string.format('%d %d:%x:1 %d %d %d', NOW + till,
                seats > 0 and place or 0, i, seq, WALL + heard, NOW + calm))
        end
    end
    for _, name in ipairs(names) do
        local there, keep, seen, granted, want, last, ceiling =
            take(), take(), take(), take(), take(), take(), take()
        if there == 1 then
            commands.HSET(LANE, name, string.format('%d %d %d %d %d %d', keep, seen, granted,
                want, last, ceiling))
        end
    end
    if db[LANE] then
        db[LANE].fence = tostring(fence)
    end
end

local function encode(seats)
    local out = {}
    local function give(...)
        for _, value in ipairs({...}) do
            out[#out + 1] = value
        end
    end
    local epoch, nodes, lane = db[EPOCH] or {}, db[NODES] or {}, db[LANE] or {}
    local now = tonumber(epoch.now or NOW)
    give(epoch.id and 1 or 0, math.max(0, tonumber(epoch.open or now) - now),
        WALL - tonumber(epoch.wall or WALL), seats, tonumber(lane.fence or 0))
    for place = 1, 2 do
        local text = epoch['seat:' .. place] or ''
        local process, left, calm = text:match('^%d+:(%x+):1 (%d+) (%d+)$')
        if process then
            give(1, tonumber(process, 16), tonumber(left), math.max(0, tonumber(calm) - now))
        else
            give(0, 0, 0, 0)
        end
    end
    for _, name in ipairs(names) do
        local w = words_of(nodes[name])
        if #w > 0 then
            give(1, tonumber(w[1]) - now, tonumber(w[3]), tonumber(w[4]) - WALL,
                math.max(0, tonumber(w[5]) - now), tonumber(w[2]:match('^%d+')))
        else
            give(0, 0, 0, 0, 0, 0)
        end
    end
    for _, name in ipairs(names) do
        local w = words_of(lane[name])
        give(#w > 0 and 1 or 0)
        for i = 1, 6 do
            give(tonumber(w[i] or 0))
        end
    end
    return out, now
end

-- One run of the script. Back: the state, the answer's words and numbers, by how much the epoch's
-- clock went on, whether the epoch is another, and for each node a message (number, time) or zeros.
function run(s, args, hears)
    listens, told = hears, {}
    s.terms = args[9] .. ' ' .. args[10] .. ' ' .. args[11]
    KEYS = {EPOCH, NODES, args[17] and LANE or nil}
    ARGV = args
    decode(s)
    local answer = script()
    local is_new = db[EPOCH].id ~= 'E'
    local out, now = encode(s[4])
    local status = table.remove(answer, 1)
    local id = table.remove(answer, 1)
    answer[1] = answer[1] - now
    answer[3] = answer[3] - WALL
    local news = {}
    for i = 1, 3 do
        news[2 * i - 1] = told[i] and tonumber(told[i][1]) or 0
        news[2 * i] = told[i] and tonumber(told[i][2]) - now or 0
    end
    return status, out, answer, is_new and 0 or now - NOW, is_new and 1 or 0, news,
        id == db[EPOCH].id and 1 or 0
end
