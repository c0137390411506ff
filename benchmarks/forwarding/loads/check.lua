-- For wrk: compares the body of each answer, and says at the end what came of it in one line of JSON.
-- The one argument behind "--" is the body that is expected.

local counters = {}

function setup(thread)
    table.insert(counters, thread)
end

function init(arguments)
    expected = arguments[1]
    wrong = 0
end

function response(status, headers, body)
    if body ~= expected then
        wrong = wrong + 1
    end
end

function done(summary, latency, requests)
    local bad = 0
    for _, thread in ipairs(counters) do
        bad = bad + thread:get("wrong")
    end
    local errors = summary.errors
    io.write(string.format(
        '{"done": %d, "us": %d, "p50_us": %d, "p99_us": %d, "wrong": %d, ' ..
        '"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), bad,
        errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
