-- Made by Provost for cluster university from campus.toml; changes are overwritten.
-- What the policy refuses is refused here, in words; everything else is Slurm's.
local default_partition = "debug"
local accounts = {
  ["nlp"] = { title = "nlp (Natural Language Processing)", contact = "ask linh, who supervises it; ada (administrator) can raise it", partition = "nlp", qos = "normal", line = 0 },
  ["viet-llm"] = { title = "nlp (Natural Language Processing)", contact = "ask linh, who supervises it; ada (administrator) can raise it", partition = "nlp", qos = "normal", parent = "nlp", line = 40 },
  ["vision"] = { title = "vision (Computer  Vision )", contact = "ask an, who supervises it; ada (administrator) can raise it", partition = "cpu", qos = "normal", line = 0 },
}
local qos = {
  ["normal"] = { preemptible = false, minutes = 4320, line = 12 },
  ["scavenger"] = { preemptible = true, line = 20 },
}
local partitions = {
  ["nlp"] = { minutes = 10080, accounts = { ["nlp"] = true }, line = 0 },
  ["cpu"] = { minutes = 10080, accounts = { ["vision"] = true }, line = 0 },
  ["gpu"] = { minutes = 10080, accounts = { ["nlp"] = true }, line = 0 },
  ["debug"] = { minutes = 30, line = 50 },
  ["scavenger"] = { minutes = 10080, qos = { ["scavenger"] = true }, line = 20 },
}

local function words(minutes)
  local text = {}
  local function add(number, what)
    if number > 0 then table.insert(text, number .. " " .. what .. (number == 1 and "" or "s")) end
  end
  add(math.floor(minutes / 1440), "day")
  add(math.floor(minutes % 1440 / 60), "hour")
  add(minutes % 60, "minute")
  return table.concat(text, " ")
end

local function place(line)
  if line < 0 then return " (overlay " .. -line .. ")" end
  return line > 0 and " (campus.toml:" .. line .. ")" or ""
end

local function refuse(code, ...)
  slurm.log_user(string.format(...))
  return code or slurm.ERROR
end

-- The department's own words at the end of each refusal.
local function whom(account)
  local known = accounts[account]
  return known and string.format("Department %s: %s.", known.title, known.contact) or ""
end

-- A limit of time: of a partition, of the QoS, of the account and those above it.
local function too_long(asked, what, limit, account)
  if limit == nil or limit.minutes == nil or asked <= limit.minutes then return nil end
  return refuse(slurm.ESLURM_INVALID_TIME_LIMIT,
    "Refused: %s is longer than %s allows, %s%s. %s", words(asked), what, words(limit.minutes),
    place(limit.line), whom(account))
end

local function check_time(job, names, account, quality)
  local asked = job.time_limit
  if asked == nil or asked == slurm.NO_VAL then return nil end
  local refused = too_long(asked, "QoS " .. quality, qos[quality], account)
  local above = account
  while refused == nil and accounts[above] do
    refused = too_long(asked, "account " .. above, accounts[above].wall, account)
    above = accounts[above].parent
  end
  for _, name in ipairs(names) do
    refused = refused or too_long(asked, "partition " .. name, partitions[name], account)
  end
  return refused
end

local function allowed(list, account)
  local at = account
  while at do
    if list[at] then return true end
    at = accounts[at] and accounts[at].parent
  end
  return account == "administration"
end

local function open_to(account)
  local names = {}
  for name, partition in pairs(partitions) do
    if not partition.administrators and (partition.accounts == nil or allowed(partition.accounts, account)) then
      table.insert(names, name)
    end
  end
  table.sort(names)
  return #names > 0 and table.concat(names, ", ") or "none"
end

local function check_partition(name, account, quality)
  local partition = partitions[name]
  if partition == nil then return nil end
  if partition.accounts and not allowed(partition.accounts, account) then
    return refuse(slurm.ESLURM_INVALID_ACCOUNT,
      "Refused: partition %s is not for account %s%s. Open to it: %s. %s", name, account,
      place(partition.line), open_to(account), whom(account))
  end
  if partition.qos and not partition.qos[quality] then
    local names = {}
    for each in pairs(partition.qos) do table.insert(names, each) end
    table.sort(names)
    return refuse(slurm.ESLURM_INVALID_QOS, "Refused: partition %s takes jobs of QoS %s only%s: --qos=%s",
      name, table.concat(names, ", "), place(partition.line), names[1])
  end
  return nil
end

-- Only a batch job that may be queued again can give way.
local function check_scavenger(job, quality)
  local known = qos[quality]
  if known == nil or not known.preemptible then return nil end
  if job.script == nil or job.script == "" then
    return refuse(nil, "Refused: QoS %s may be put back into the queue at any time%s, and an interactive job " ..
      "would be lost: submit it with sbatch.", quality, place(known.line))
  end
  if job.requeue == 0 then
    return refuse(nil, "Refused: QoS %s may be put back into the queue at any time%s, and --no-requeue forbids it: " ..
      "leave it out.", quality, place(known.line))
  end
  return nil
end

function slurm_job_submit(job, part_list, submit_uid)
  local account = job.account or job.default_account
  if account == nil then return slurm.SUCCESS end  -- Slurm refuses it
  local known = accounts[account]
  local quality = job.qos or (known and known.qos) or job.default_qos or "normal"
  if job.partition == nil and qos[quality] and qos[quality].preemptible and partitions[quality] then
    job.partition = quality
  end
  if job.partition == nil and known and known.partition then job.partition = known.partition end
  local names = {}
  for name in string.gmatch(job.partition or default_partition or "", "[^,]+") do
    table.insert(names, name)
  end
  if known and known.ends and os.date("%Y-%m-%d") > known.ends then
    return refuse(nil, "Refused: account %s has ended, its last day was %s%s. %s", account, known.ends,
      place(known.line), whom(account))
  end
  local refused
  for _, name in ipairs(names) do
    refused = refused or check_partition(name, account, quality)
  end
  return refused or check_scavenger(job, quality) or check_time(job, names, account, quality) or slurm.SUCCESS
end

function slurm_job_modify(job, record, part_list, modify_uid)
  return slurm.SUCCESS
end

return slurm.SUCCESS
