#include "provider/local/local_provider.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <thread>

#include "base/text.hpp"
#include "os/files.hpp"
#include "os/process.hpp"
#include "provider/local/kernel_limits.hpp"
#include "provider/local/owners.hpp"

namespace provost::provider::local {
namespace {

std::int64_t meminfo_mib(const std::string& field) {
  std::ifstream file("/proc/meminfo");
  std::string line;
  while (std::getline(file, line)) {
    if (line.rfind(field + ":", 0) == 0) {
      const auto parts = split(std::string(trim(line.substr(field.size() + 1))), ' ');
      return to_number(parts.front()).value_or(0) / 1024;
    }
  }
  return 0;
}

// Loaded for the moment: provostd runs for months, and the driver may be replaced under it.
LocalProvider::Gpus look_at_gpus() {
  const auto nvml = os::Nvml::load(os::nvidia_library("libnvidia-ml.so.1"));
  return nvml ? LocalProvider::Gpus{nvml->driver(), nvml->gpus(), {}}
              : LocalProvider::Gpus{nvml.error().message, {}, {}};
}

MachineRecord record_of(const MachineSpec& spec) {
  return {.cluster = spec.cluster,
          .network_id = spec.network_id,
          .node = spec.node,
          .address = spec.address,
          .prefix_length = spec.prefix_length,
          .incarnation = spec.incarnation};
}

/// nspawn makes these directories with the first machine; the last one takes them along.
void remove_empty_nspawn_directories() {
  for (const char* directory : {"/run/systemd/nspawn/propagate", "/run/systemd/nspawn/locks",
                                "/run/systemd/nspawn/unix-export", "/run/systemd/nspawn"}) {
    ::rmdir(directory);
  }
}

}  // namespace

LocalProvider::LocalProvider(LocalOptions options)
    : options_(std::move(options)), host_(look_at_host()) {
  if (!clusters().empty()) {
    ignore(note_state(options_.places.state), "only `provost doctor` of another provostd reads it");
  }
}

std::vector<std::string> LocalProvider::clusters() const {
  return os::list_directory(options_.places.state + "/machines");
}

std::optional<std::string> LocalProvider::network_id(const std::string& cluster) const {
  return read_network_id(options_.places.network_file(cluster));
}

Result<Capacity> LocalProvider::capacity() {
  Capacity capacity{.cpus = static_cast<int>(std::thread::hardware_concurrency()),
                    .memory_total_mib = meminfo_mib("MemTotal"),
                    .memory_available_mib = meminfo_mib("MemAvailable"),
                    .gpus = {},
                    .gpu_details = {},
                    .gpu_driver = {}};
  for (const std::string& name : os::list_directory("/dev")) {
    if (name.rfind("nvidia", 0) == 0 && to_number(name.substr(6))) {
      capacity.gpus.push_back("/dev/" + name);
    }
  }
  std::sort(capacity.gpus.begin(), capacity.gpus.end(), [](const auto& left, const auto& right) {
    return std::pair(left.size(), left) < std::pair(right.size(), right);  // by number
  });
  if (!capacity.gpus.empty()) {
    constexpr std::chrono::minutes kLooks{1};  // loading NVML can take a second
    const std::scoped_lock lock(gpu_mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (gpus_.driver.empty() || now - gpus_.looked > kLooks) {
      gpus_ = look_at_gpus();
      gpus_.looked = now;
    }
    capacity.gpu_driver = gpus_.driver;
    capacity.gpu_details = gpus_.details;
  }
  return capacity;
}

Result<std::vector<MachineSeen>> LocalProvider::observe() {
  std::vector<MachineSeen> seen;
  for (const std::string& cluster : clusters()) {
    for (const std::string& node : os::list_directory(options_.places.cluster(cluster))) {
      const std::string directory = options_.places.machine(cluster, node);
      if (!os::is_directory(directory)) {
        continue;
      }
      // A directory without a record was cut off before anything else was made, or after.
      const auto record = read_record(directory);
      seen.push_back({.cluster = cluster,
                      .node = node,
                      .incarnation = record ? record->incarnation : 0,
                      .running = record && Machine(options_.places, host_, *record).running(),
                      .network_id = record ? record->network_id : ""});
    }
  }
  return seen;
}

Result<std::vector<std::string>> LocalProvider::networks() {
  std::vector<std::string> complete;
  for (const std::string& cluster : clusters()) {
    const auto id = network_id(cluster);
    if (id && os::exists("/sys/class/net/" + bridge_name(*id)) &&
        os::exists(options_.places.cluster(cluster) + "/network.up")) {
      complete.push_back(cluster);
    }
  }
  return complete;
}

Result<std::vector<std::string>> LocalProvider::network_traces() { return clusters(); }

Status LocalProvider::check_subnet(const std::string& subnet) { return subnet_is_free(subnet, ""); }

Status LocalProvider::create_network(const NetworkSpec& spec, const Progress& progress) {
  const std::scoped_lock lock(network_mutex_);
  progress("making the bridge and its packet rules");
  const std::string directory = options_.places.cluster(spec.cluster);
  if (Status made = os::make_directories(directory, 0700); !made) {
    return made;
  }
  if (Status noted = note_state(options_.places.state); !noted) {
    return noted;
  }
  if (Status raised = raise_kernel_limits(kernel_limits_record(options_.places.state)); !raised) {
    return raised;
  }
  if (Status unclaimed = subnet_is_free(spec.subnet, bridge_name(spec.id)); !unclaimed) {
    return unclaimed;
  }
  const std::string record =
      boost::json::serialize(boost::json::object{{"id", spec.id}, {"subnet", spec.subnet}});
  if (Status noted = os::write_file(options_.places.network_file(spec.cluster), record); !noted) {
    return noted;
  }
  if (Status made = make_network(spec, absolute_state(options_.places.state)); !made) {
    return made;
  }
  // The bridge alone says too little after an interruption: the rules may be missing.
  return os::write_file(directory + "/network.up", spec.subnet);
}

Status LocalProvider::remove_network(const std::string& cluster, const Progress& progress) {
  const std::scoped_lock lock(network_mutex_);
  progress("removing the bridge and its packet rules");
  const std::string directory = options_.places.cluster(cluster);
  if (const auto id = network_id(cluster)) {
    if (Status removed = unmake_network(*id); !removed) {
      return removed;
    }
    if (host_.systemd) {
      ignore(os::run({.argv = {"systemctl", "stop", slice_name(*id)}}), "it is empty by now");
    }
  }
  // Its directory is what is left of it, and goes last: a removal that is cut off is begun again.
  if (clusters() == std::vector<std::string>{cluster}) {
    ::rmdir((options_.places.run + "/netns").c_str());
    remove_empty_nspawn_directories();
    if (Status restored = restore_kernel_limits(kernel_limits_record(options_.places.state));
        !restored) {
      return restored;
    }
  }
  if (Status removed = os::remove_tree(directory); !removed) {
    return removed;
  }
  if (clusters().empty()) {
    ::rmdir((options_.places.state + "/machines").c_str());
    forget_state(options_.places.state);
  }
  return {};
}

Result<ImageSeen> look_for_image(const std::string& images, const std::string& image_cache) {
  constexpr int kNotThere = 3;
  const auto ran = os::run(
      {.argv = {images + "/make-node-image", "--state", image_cache, "--look", "--print-path"}});
  if (!ran) {
    return pass(ran.error());
  }
  if (ran->status != 0 && ran->status != kNotThere) {
    return fail(ErrorKind::internal, "{}/make-node-image ended with status {}: {}", images,
                ran->status, shorten(trim(ran->err), 200));
  }
  return ImageSeen{std::string(trim(ran->out)), ran->status == 0};
}

Result<std::string> LocalProvider::image(const Progress& progress) {
  const std::scoped_lock lock(image_mutex_);
  if (image_.empty()) {
    progress("looking for the node image (building it takes a minute)");
    const auto path = os::output_of({.argv = {options_.images + "/make-node-image", "--state",
                                              options_.image_cache, "--print-path", "--quiet"},
                                     .timeout = std::chrono::minutes(20)});
    if (!path) {
      return pass(path.error(), "cannot make the node image");
    }
    image_ = trim(*path);
  }
  return image_;
}

Status LocalProvider::ensure_running(const MachineSpec& spec, const Progress& progress) {
  const std::string directory = options_.places.machine(spec.cluster, spec.node);
  const auto before = read_record(directory);
  if (before && before->incarnation != spec.incarnation) {
    if (Status removed = Machine(options_.places, host_, *before).remove(progress); !removed) {
      return removed;
    }
  }
  const Machine machine(options_.places, host_, record_of(spec));
  if (before && before->incarnation == spec.incarnation && machine.running()) {
    return {};
  }
  const auto root = image(progress);
  if (!root) {
    return pass(root.error());
  }
  const auto host = capacity();
  const Limits limits{
      .memory_mib = std::min<std::int64_t>(spec.type.memory_mib, host->memory_total_mib),
      .cpus = spec.type.vcpus < host->cpus ? spec.type.vcpus : 0,
      .cpu_weight = spec.cpu_weight};
  return machine.start(spec, *root, options_.programs, limits, progress);
}

Status LocalProvider::remove(const std::string& cluster, const std::string& node,
                             const Progress& progress) {
  const std::string directory = options_.places.machine(cluster, node);
  if (const auto record = read_record(directory)) {
    return Machine(options_.places, host_, *record).remove(progress);
  }
  return os::remove_tree(directory);
}

Result<std::vector<Belonging>> LocalProvider::inventory(const std::string& cluster) {
  std::vector<Belonging> found;
  const std::string directory = options_.places.cluster(cluster);
  for (const std::string& node : os::list_directory(directory)) {
    if (const auto record = read_record(options_.places.machine(cluster, node))) {
      const auto more = Machine(options_.places, host_, *record).belongings();
      found.insert(found.end(), more.begin(), more.end());
    }
  }
  if (const auto id = network_id(cluster)) {
    if (os::exists("/sys/class/net/" + bridge_name(*id))) {
      found.push_back({"network interface", bridge_name(*id)});
    }
    const auto listed = os::run({.argv = {"nft", "list", "table", "inet", table_name(*id)}});
    if (listed && listed->status == 0) {
      found.push_back({"packet rules", "table inet " + table_name(*id)});
    }
  }
  if (os::is_directory(directory)) {
    found.push_back({"directory", directory});
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<std::string> LocalProvider::raised_limits() {
  return raised_kernel_limits(options_.places.state + "/machines.kernel-limits.json");
}

Result<std::string> LocalProvider::console_tail(const std::string& cluster,
                                                const std::string& node) {
  const auto text = os::read_file(options_.places.machine(cluster, node) + "/console.log");
  if (!text) {
    return pass(text.error());
  }
  constexpr std::size_t kTail = 64U << 10U;
  return text->size() > kTail ? text->substr(text->size() - kTail) : *text;
}

}  // namespace provost::provider::local
