#include "scheduling/job_submit.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "model/limits.hpp"
#include "scheduling/partitions.hpp"

namespace provost::scheduling {
namespace {

// The part that does not differ between clusters. A time of NO_VAL is "not asked for": the
// partition's default holds, which is never longer than its limit.
constexpr std::string_view kRules = R"lua(
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
)lua";

// A string of Lua's; what could end it is left out.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char each : text) {
    const bool plain = static_cast<unsigned char>(each) >= 0x20 && each != '"' && each != '\\';
    out += plain ? each : ' ';
  }
  return out + "\"";
}

std::string key(std::string_view name) { return "[" + quoted(name) + "]"; }

std::string set_of(const std::vector<std::string>& names) {
  std::vector<std::string> entries;
  entries.reserve(names.size());
  for (const std::string& name : names) {
    entries.push_back(key(name) + " = true");
  }
  return "{ " + join(entries, ", ") + " }";
}

std::string wall_of(const model::Limits& limits) {
  const auto wall = limits.find("wall");
  return wall == limits.end() ? ""
                              : fmt::format(", wall = {{ minutes = {}, line = {} }}",
                                            wall->second.value, wall->second.line);
}

std::string ends(const std::string& day) { return day.empty() ? "" : ", ends = " + quoted(day); }

// A project ends with its department at the latest.
std::string last_day(const model::Department& department, const model::Project& project) {
  if (project.until.empty() || department.until.empty()) {
    return project.until.empty() ? department.until : project.until;
  }
  return std::min(project.until, department.until);
}

std::string contact_of(const model::Department& department, const model::Campus& campus) {
  std::vector<std::string> words;
  if (!department.supervisors.empty()) {
    words.push_back("ask " + join(department.supervisors, " or ") + ", who supervises it");
  }
  if (!campus.administrators.empty()) {
    words.push_back(join(campus.administrators, " or ") + " (administrator) can raise it");
  }
  return words.empty() ? "the cluster's administrator can raise it" : join(words, "; ");
}

std::string usual_qos(const model::Department& department, const model::Campus& campus) {
  if (!department.qos.empty()) {
    return department.qos.front();
  }
  for (const model::Qos& each : campus.qos) {
    if (each.preempted_by.empty()) {
      return each.name;
    }
  }
  return {};
}

std::string accounts_of(const model::Cluster& cluster) {
  const model::Campus& campus = *cluster.campus;
  const auto partitions = partition_rights(cluster);
  std::string text = "local accounts = {\n";
  for (const model::Department& department : campus.departments) {
    const std::string title = department.title.empty()
                                  ? department.name
                                  : fmt::format("{} ({})", department.name, department.title);
    const std::string partition = default_partition_of(department, partitions);
    const std::string qos = usual_qos(department, campus);
    std::string common = fmt::format("title = {}, contact = {}", quoted(title),
                                     quoted(contact_of(department, campus)));
    common += partition.empty() ? "" : ", partition = " + quoted(partition);
    common += qos.empty() ? "" : ", qos = " + quoted(qos);
    text += fmt::format("  {} = {{ {}{}{}, line = {} }},\n", key(department.name), common,
                        wall_of(department.limits), ends(department.until), department.line);
    for (const model::Project& project : department.projects) {
      text +=
          fmt::format("  {} = {{ {}, parent = {}{}{}, line = {} }},\n", key(project.name), common,
                      quoted(project.parent.empty() ? department.name : project.parent),
                      wall_of(project.limits), ends(last_day(department, project)), project.line);
    }
  }
  return text + "}\n";
}

std::string qos_of(const model::Campus& campus) {
  std::string text = "local qos = {\n";
  for (const model::Qos& each : campus.qos) {
    const auto wall = each.limits.find("wall");
    text += fmt::format(
        "  {} = {{ preemptible = {}, {}line = {} }},\n", key(each.name),
        each.preempted_by.empty() ? "false" : "true",
        wall == each.limits.end() ? "" : fmt::format("minutes = {}, ", wall->second.value),
        wall == each.limits.end() ? each.line : wall->second.line);
  }
  return text + "}\n";
}

std::string partitions_text(const model::Cluster& cluster) {
  const model::Campus& campus = *cluster.campus;
  std::string text = "local partitions = {\n";
  for (const PartitionRights& each : partition_rights(cluster)) {
    std::int64_t minutes = campus.scheduler.max_time_minutes;
    for (const model::PartitionPolicy& policy : campus.partitions) {
      minutes = policy.name == each.name ? policy.max_time_minutes.value_or(minutes) : minutes;
    }
    text += fmt::format("  {} = {{ minutes = {}", key(each.name), minutes);
    text += each.accounts.empty() ? "" : ", accounts = " + set_of(each.accounts);
    text += each.qos.empty() ? "" : ", qos = " + set_of(each.qos);
    text += each.administrators_only ? ", administrators = true" : "";
    text += fmt::format(", line = {} }},\n", each.line);
  }
  return text + "}\n";
}

}  // namespace

std::string job_submit_lua(const model::Cluster& cluster) {
  return fmt::format(
             "-- Made by Provost for cluster {} from campus.toml; changes are overwritten.\n"
             "-- What the policy refuses is refused here, in words; everything else is Slurm's.\n",
             cluster.name) +
         fmt::format("local default_partition = {}\n",
                     quoted(default_partition_of(*cluster.campus, partition_rights(cluster)))) +
         accounts_of(cluster) + qos_of(*cluster.campus) + partitions_text(cluster) +
         std::string(kRules);
}

}  // namespace provost::scheduling
