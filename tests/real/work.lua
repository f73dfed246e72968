-- SPDX-License-Identifier: MIT OR Apache-2.0
-- A job for the Lua interpreter that uses most of it, the same each time: errors through several
-- frames (longjmp), coroutines, closures, metatables, strings and patterns, sorting, the
-- compiler, the collector. Prints sums. No keys that depend on addresses, no clock.
local rounds = tonumber(arg and arg[1]) or 10

local seed = 42
local function random(below)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return seed // 65536 % below
end

-- Errors that leave depth frames at once, some caught on the way and thrown on.
local function fall(depth, what)
  if depth == 0 then error(what, 0) end
  if depth % 7 == 0 then
    local ok, message = pcall(fall, depth - 1, what)
    if not ok then error(message, 0) end
  end
  return 1 + fall(depth - 1, what)
end

local function errors(count)
  local caught = 0
  for i = 1, count do
    local ok, message = pcall(fall, i % 40, { code = i })
    caught = caught + (not ok and message.code or 0)
    ok, message = xpcall(function() return nil + i end, function(m) return #m end)
    caught = caught + (not ok and message or 0)
    ok = pcall(string.rep)
    caught = caught + (ok and 1000 or 1)
  end
  return caught
end

-- Coroutines within coroutines; some end, some fail, some are left where they are or closed.
local function numbers(from, to)
  return coroutine.wrap(function()
    for i = from, to do coroutine.yield(i) end
  end)
end

local function coroutines(count)
  local sum = 0
  for i = 1, count do
    local outer = coroutine.create(function(limit)
      for n in numbers(1, limit) do
        if n == 17 then error("seventeen", 0) end
        sum = sum + coroutine.yield(n)
      end
      return limit
    end)
    local ok, value = coroutine.resume(outer, i % 23)
    while ok and coroutine.status(outer) ~= "dead" and value < 12 + i % 9 do
      ok, value = coroutine.resume(outer, value)
    end
    if coroutine.status(outer) == "suspended" then coroutine.close(outer) end
  end
  return sum
end

-- A yield across a pcall, and across a comparison that a metamethod makes.
local ordered = { __lt = function(a, b) coroutine.yield(1); return a.v < b.v end }
local function yields_within(count)
  local steps = 0
  for i = 1, count do
    local co = coroutine.create(function()
      local a, b = setmetatable({ v = i }, ordered), setmetatable({ v = 5 }, ordered)
      local ok = pcall(function()
        if a < b then coroutine.yield(2) end
        error("out")
      end)
      return ok
    end)
    while coroutine.status(co) ~= "dead" do
      coroutine.resume(co)
      steps = steps + 1
    end
  end
  return steps
end

local Vector = {}
Vector.__index = Vector
Vector.__add = function(a, b) return setmetatable({ x = a.x + b.x, y = a.y + b.y }, Vector) end
Vector.__eq = function(a, b) return a.x == b.x and a.y == b.y end
Vector.__call = function(self, k) return self.x * k + self.y end
Vector.__concat = function(a, b) return tostring(a) .. tostring(b) end
Vector.__tostring = function(v) return "(" .. v.x .. "," .. v.y .. ")" end
local function objects(count)
  local sum = setmetatable({ x = 0, y = 0 }, Vector)
  for i = 1, count do
    sum = sum + setmetatable({ x = i, y = -i }, Vector)
    if sum == sum(2) then return -1 end
  end
  return #(sum .. sum) + sum(3)
end

local function strings(count)
  local words, total = {}, 0
  for i = 1, count do
    words[i] = string.format("%s-%03d:%x", ("abc"):rep(i % 5), i, random(4096))
  end
  local text = table.concat(words, " ")
  for word, hex in text:gmatch("(%a*)%-%d+:(%x+)") do
    total = total + #word + tonumber(hex, 16)
  end
  local replaced, hits = text:gsub("abc", { abc = "x" })
  local packed = string.pack("<i4z", hits, "end")
  return total + #replaced + hits + string.unpack("<i4", packed) + #text:upper():reverse()
end

local function sorting(count)
  local list = {}
  for i = 1, count do list[i] = random(100000) end
  table.sort(list, function(a, b) return a > b end)
  local sum = 0
  for i = 1, count, 100 do sum = sum + list[i] * i % 1000 end
  return sum + select("#", table.unpack(list, 1, 200))
end

local function chunks(count)
  local sum = 0
  for i = 1, count do
    local source = ("local a, b = ...; local function f(n) if n < 2 then return n end " ..
      "return f(n - 1) + f(n - 2) end; goto out; ::out:: return a * %d + f(b %% 9)"):format(i)
    local loaded = assert(load(source, "chunk" .. i))
    sum = sum + loaded(i, i)
    local dumped = assert(load(string.dump(loaded), "dumped", "b"))
    sum = sum + dumped(1, i) + (load("syntax error here " .. i) and 1000 or 1)
  end
  return sum
end

-- Finalizers that fail, values that close themselves on the way out of an error.
local function closing(count)
  local closed = 0
  local closer = { __close = function() closed = closed + 1 end }
  for i = 1, count do
    pcall(function()
      local first <close> = setmetatable({}, closer)
      local second <close> = setmetatable({}, closer)
      if i % 3 == 0 then error(first) end
    end)
  end
  return closed
end

for round = 1, rounds do
  print(round, errors(60), coroutines(60), yields_within(40), objects(400), strings(200),
    sorting(600), chunks(20), closing(60))
  collectgarbage(round % 2 == 0 and "collect" or "step")
end
print(collectgarbage("count") > 0, os.getenv("NO_SUCH_VARIABLE"), utf8.char(228, 8364))
