-- Signs in again and again: wrk -s sign_in.lua URL -- FILE OUTPUT MESSAGE SIGNED_IN
-- FILE has pairs of requests in the form of requests.lua: a request for a code, and the verification
-- of it with the code 000000. OUTPUT is a file in which the pattern MESSAGE finds phones and their
-- codes. Each of them is verified before the next one is requested. SIGNED_IN is what only the
-- response to a correct code has.
local code_requests, verifications = {}, {}
local number, messages, unread, MESSAGE, SIGNED_IN = 0, nil, "", nil, nil
signed_in = 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  local function read_request()
    local length = file:read("*l")
    return length and file:read(tonumber(length))
  end
  for code_request in read_request do
    code_requests[#code_requests + 1] = code_request
    verifications[code_request:match('(%+%d+)"')] = read_request()
  end
  file:close()
  messages = assert(io.open(args[2], "rb"))
  messages:seek("end")
  MESSAGE, SIGNED_IN = args[3], args[4]
end

local function next_verification()
  unread = unread .. messages:read("*a")
  local _, last, phone, code = unread:find(MESSAGE)
  if not last then return nil end
  unread = unread:sub(last + 1)
  local verification = verifications[phone]
  -- A code that was requested by an earlier run is not known.
  return verification and verification:gsub('"000000"', '"' .. code .. '"', 1)
end

function request()
  local verification = next_verification()
  if verification then return verification end
  number = number + 1
  return code_requests[number]
end

function response(status, headers, body)
  if status == 200 and body:find(SIGNED_IN, 1, true) then signed_in = signed_in + 1 end
end

-- Each thread has variables of its own, and so has done().
local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

function done()
  for _, thread in ipairs(threads) do print(thread:get("signed_in") .. " sign-ins") end
end
