-- Sends the requests of a file in turn: wrk -s requests.lua URL -- FILE START
-- In the file, a line with the length comes before each request.
local requests, number = {}, 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  number = tonumber(args[2])
  for length in function() return file:read("*l") end do
    requests[#requests + 1] = file:read(tonumber(length))
  end
  file:close()
end

function request()
  number = number + 1
  return requests[number % #requests + 1]
end
