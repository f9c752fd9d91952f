// Machines that are files: what simulated_provostd has in place of systemd-nspawn. A machine "runs"
// once its seed, the agent's certificate included, lies in STATE/simulated/CLUSTER/NODE.json, where
// bench/simulated_agents finds it. Linked into simulated_provostd alone.
#include <boost/json.hpp>
#include <map>
#include <mutex>
#include <set>

#include "base/text.hpp"
#include "daemon/machines.hpp"
#include "os/files.hpp"

namespace provost::daemon {
namespace {

namespace json = boost::json;
using provider::Progress;

constexpr std::string_view kEnd = ".json";

class SimulatedProvider : public provider::Provider {
 public:
  explicit SimulatedProvider(std::string root) : root_(std::move(root)) {
    // After a restart the machines are there as they were.
    for (const std::string& cluster : os::list_directory(root_)) {
      networks_.insert(cluster);
      for (const std::string& file : os::list_directory(root_ + "/" + cluster)) {
        const std::size_t dot = file.find('.');
        const std::size_t end = file.size() - std::min(kEnd.size(), file.size());
        if (dot != std::string::npos && dot < end && file.substr(end) == kEnd) {
          machines_[{cluster, file.substr(0, dot)}] =
              static_cast<int>(to_number(file.substr(dot + 1, end - dot - 1)).value_or(0));
        }
      }
    }
  }

  Result<provider::Capacity> capacity() override {
    return provider::Capacity{
        .cpus = 64, .memory_total_mib = 524'288, .memory_available_mib = 262'144, .gpus = {}};
  }

  Result<std::vector<provider::MachineSeen>> observe() override {
    const std::scoped_lock lock(mutex_);
    std::vector<provider::MachineSeen> seen;
    seen.reserve(machines_.size());
    for (const auto& [place, incarnation] : machines_) {
      seen.push_back({place.first, place.second, incarnation, true});
    }
    return seen;
  }

  Result<std::vector<std::string>> networks() override {
    const std::scoped_lock lock(mutex_);
    return std::vector<std::string>(networks_.begin(), networks_.end());
  }

  Result<std::vector<std::string>> network_traces() override { return networks(); }

  Status create_network(const provider::NetworkSpec& spec, const Progress& /*progress*/) override {
    if (Status made = os::make_directories(root_ + "/" + spec.cluster, 0700); !made) {
      return made;
    }
    const std::scoped_lock lock(mutex_);
    networks_.insert(spec.cluster);
    return {};
  }

  Status remove_network(const std::string& cluster, const Progress& /*progress*/) override {
    const std::scoped_lock lock(mutex_);
    networks_.erase(cluster);
    return os::remove_tree(root_ + "/" + cluster);
  }

  Status check_subnet(const std::string& /*subnet*/) override { return {}; }

  Status ensure_running(const provider::MachineSpec& spec, const Progress& /*progress*/) override {
    json::object files;
    for (const provider::SeedFile& file : spec.seed) {
      files[file.path] = file.content;
    }
    const std::string text = json::serialize(json::object{
        {"cpus", spec.type.vcpus}, {"memory_mib", spec.type.memory_mib}, {"files", files}});
    if (Status written = os::write_file(file_of(spec.cluster, spec.node, spec.incarnation), text);
        !written) {
      return written;
    }
    const std::scoped_lock lock(mutex_);
    machines_[{spec.cluster, spec.node}] = spec.incarnation;
    return {};
  }

  Status remove(const std::string& cluster, const std::string& node,
                const Progress& /*progress*/) override {
    const std::scoped_lock lock(mutex_);
    const auto found = machines_.find({cluster, node});
    if (found == machines_.end()) {
      return {};
    }
    Status removed = os::remove_tree(file_of(cluster, node, found->second));
    machines_.erase(found);
    return removed;
  }

  Result<std::vector<provider::Belonging>> inventory(const std::string& cluster) override {
    const std::scoped_lock lock(mutex_);
    std::vector<provider::Belonging> found;
    for (const auto& [place, incarnation] : machines_) {
      if (place.first == cluster) {
        found.push_back({"simulated machine", place.second});
      }
    }
    return found;
  }

  Result<std::string> console_tail(const std::string& /*cluster*/,
                                   const std::string& /*node*/) override {
    return std::string("a simulated machine prints nothing\n");
  }

 private:
  [[nodiscard]] std::string file_of(const std::string& cluster, const std::string& node,
                                    int incarnation) const {
    return fmt::format("{}/{}/{}.{}{}", root_, cluster, node, incarnation, kEnd);
  }

  std::string root_;
  std::mutex mutex_;
  std::set<std::string> networks_;
  std::map<std::pair<std::string, std::string>, int> machines_;  // to their incarnation
};

}  // namespace

std::unique_ptr<provider::Provider> make_provider(const MachineOptions& options) {
  return std::make_unique<SimulatedProvider>(options.state + "/simulated");
}

}  // namespace provost::daemon
