-- Sends requests for the ids of a file in turn, and prints the result as one line of JSON.
local ids = {}
for line in io.lines(os.getenv("BENCH_IDS")) do ids[#ids + 1] = line end
local before, after = os.getenv("BENCH_BODY"):match("^(.*)%%ID%%(.*)$")
local length = #before + #ids[1] + #after
local ticket = os.getenv("BENCH_TICKET")
local head = "POST " .. wrk.path .. " HTTP/1.1\r\nhost: " .. wrk.host .. ":" .. wrk.port ..
  "\r\ncontent-type: application/json\r\naccept: application/json\r\n" ..
  (ticket and ticket ~= "" and ("authorization: Bearer " .. ticket .. "\r\n") or "") ..
  "content-length: " .. length .. "\r\n\r\n" .. before
local place = 0

function request()
  place = place % #ids + 1
  return head .. ids[place] .. after
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"failed":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
