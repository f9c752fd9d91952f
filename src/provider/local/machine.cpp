#include "provider/local/machine.hpp"

#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "base/text.hpp"
#include "os/files.hpp"
#include "os/nvidia.hpp"
#include "os/process.hpp"

namespace provost::provider::local {
namespace {

namespace json = boost::json;

constexpr std::string_view kAgentInNode = "/opt/provost/bin/provost-agent";
constexpr std::string_view kPeopleInNode = "/usr/local/bin/provost";
/// From the kernel's range for local and experimental use; no driver answers there, so opening an
/// emulated GPU is refused by the driver's absence (ENXIO) or by the device control group (EPERM).
constexpr unsigned kEmulatedMajor = 250;

std::string to_json(const MachineRecord& record) {
  return json::serialize(json::object{{"cluster", record.cluster},
                                      {"network_id", record.network_id},
                                      {"node", record.node},
                                      {"address", record.address},
                                      {"prefix_length", record.prefix_length},
                                      {"incarnation", record.incarnation}});
}

bool is_mounted(const std::string& path) {
  std::ifstream mounts("/proc/self/mounts");
  std::string line;
  while (std::getline(mounts, line)) {
    const auto fields = split(line, ' ');
    if (fields.size() > 1 && fields[1] == path) {
      return true;
    }
  }
  return false;
}

/// nspawn's lock on a root directory; it stays behind, named by the directory's inode.
std::string lock_file(const std::string& root) {
  struct stat status {};
  if (::stat(root.c_str(), &status) != 0) {
    return {};
  }
  return fmt::format("/run/systemd/nspawn/locks/inode-{}:{}", status.st_dev, status.st_ino);
}

Status put_in_node(const std::string& upper, const SeedFile& file) {
  const std::string path = upper + file.path;
  if (Status made = os::make_directories(std::filesystem::path(path).parent_path()); !made) {
    return made;
  }
  return os::write_file_quick(path, file.content, file.mode);
}

}  // namespace

std::optional<MachineRecord> read_record(const std::string& directory) {
  const auto text = os::read_file(directory + "/machine.json");
  if (!text) {
    return std::nullopt;
  }
  try {
    const json::value value = json::parse(*text);
    const auto string = [&](const char* key) { return std::string(value.at(key).as_string()); };
    return MachineRecord{.cluster = string("cluster"),
                         .network_id = string("network_id"),
                         .node = string("node"),
                         .address = string("address"),
                         .prefix_length = static_cast<int>(value.at("prefix_length").as_int64()),
                         .incarnation = static_cast<int>(value.at("incarnation").as_int64())};
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::optional<std::string> read_network_id(const std::string& network_file) {
  const auto text = os::read_file(network_file);
  if (!text) {
    return std::nullopt;
  }
  boost::system::error_code problem;
  const json::value value = json::parse(*text, problem);
  const auto* id = problem || !value.is_object() ? nullptr : value.as_object().if_contains("id");
  return id != nullptr && id->is_string() ? std::optional(std::string(id->as_string()))
                                          : std::nullopt;
}

Machine::Machine(const Places& places, CgroupHost host, MachineRecord record)
    : places_(places),
      host_(std::move(host)),
      record_(std::move(record)),
      directory_(places_.machine(record_.cluster, record_.node)),
      name_(machine_name(record_.network_id, record_.address)),
      cgroups_(host_, record_.network_id, name_) {}

Cable Machine::cable() const {
  return {.namespace_file = fmt::format("{}/netns/{}", places_.run, name_),
          .network_id = record_.network_id,
          .address = record_.address,
          .prefix_length = record_.prefix_length};
}

Status Machine::clear_leftovers() const {
  if (Status killed = cgroups_.kill_all(); !killed) {
    return killed;
  }
  if (host_.systemd) {
    // systemd notes the end in its own time, and a unit that failed would keep its name.
    ignore(os::run({.argv = {"systemctl", "stop", name_ + ".service"}}), "it may not exist");
    ignore(os::run({.argv = {"systemctl", "reset-failed", name_ + ".service"}}),
           "it may not exist");
  }
  const std::string root = directory_ + "/root";
  while (is_mounted(root)) {
    const std::string lock = lock_file(root);
    if (!lock.empty()) {
      ::unlink(lock.c_str());
    }
    if (::umount2(root.c_str(), MNT_DETACH) != 0) {
      return os::errno_error("unmount " + root);
    }
  }
  ::rmdir(fmt::format("/run/systemd/nspawn/propagate/{}", name_).c_str());
  ::unlink(fmt::format("/run/systemd/nspawn/locks/name-{}", name_).c_str());
  return {};
}

Status Machine::write_disk(const MachineSpec& spec, const std::string& /*image*/) const {
  const std::string upper = directory_ + "/upper";
  for (const char* part : {"/upper", "/work", "/root", "/dev"}) {
    if (Status made = os::make_directories(directory_ + part); !made) {
      return made;
    }
  }
  std::vector<SeedFile> files = spec.seed;
  files.push_back({"/etc/hostname", spec.node + "\n", 0644});
  if (!os::exists(upper + "/etc/machine-id")) {
    files.push_back({"/etc/machine-id", to_hex(os::random_bytes(16)) + "\n", 0444});
  }
  for (const SeedFile& file : files) {
    if (Status put = put_in_node(upper, file); !put) {
      return put;
    }
  }
  for (const BindMount& bind : spec.binds) {
    if (Status made = os::make_directories(bind.host); !made) {
      return made;
    }
  }
  return {};
}

Status Machine::mount_root(const std::string& image) const {
  const std::string root = directory_ + "/root";
  const std::string options =
      fmt::format("lowerdir={},upperdir={}/upper,workdir={}/work", image, directory_, directory_);
  if (::mount("provost", root.c_str(), "overlay", 0, options.c_str()) != 0) {
    return os::errno_error("mount the overlay on " + root);
  }
  return {};
}

Status Machine::make_devices(const MachineSpec& spec) const {
  if (spec.gpus_are_real) {
    return {};
  }
  for (std::size_t i = 0; i < spec.gpu_files.size(); ++i) {
    const std::string path = fmt::format("{}/dev/gpu{}", directory_, i);
    const dev_t device = makedev(kEmulatedMajor, static_cast<unsigned>(i));
    if (::mknod(path.c_str(), S_IFCHR | 0666, device) != 0 && errno != EEXIST) {
      return os::errno_error("make the emulated GPU " + path);
    }
    ::chmod(path.c_str(), 0666);
  }
  return {};
}

std::vector<std::string> Machine::nspawn(const MachineSpec& spec,
                                         const NodePrograms& programs) const {
  std::vector<std::string> argv = {"systemd-nspawn",
                                   "--quiet",
                                   "--keep-unit",
                                   "--register=no",
                                   "--boot",
                                   "--directory=" + directory_ + "/root",
                                   "--machine=" + name_,
                                   "--hostname=" + spec.node,
                                   "--network-namespace-path=" + cable().namespace_file,
                                   "--resolv-conf=off",
                                   "--timezone=off",
                                   "--link-journal=no",
                                   "--console=pipe",
                                   "--rlimit=RLIMIT_MEMLOCK=infinity",
                                   fmt::format("--bind-ro={}:{}", programs.agent, kAgentInNode)};
  if (os::exists(programs.people)) {
    argv.push_back(fmt::format("--bind-ro={}:{}", programs.people, kPeopleInNode));
  }
  if (host_.unified && !spec.gpu_files.empty()) {
    // There Slurm fences devices by a program for the kernel, and nspawn closes bpf(2): slurmstepd
    // would say so in its log alone, and the job would open every GPU.
    argv.emplace_back("--system-call-filter=bpf");
  }
  for (const BindMount& bind : spec.binds) {
    argv.push_back(fmt::format("--bind={}:{}", bind.host, bind.node));
  }
  for (std::size_t i = 0; i < spec.gpu_files.size(); ++i) {
    const std::string& file = spec.gpu_files[i];
    argv.push_back(spec.gpus_are_real ? "--bind=" + file
                                      : fmt::format("--bind={}/dev/gpu{}:{}", directory_, i, file));
  }
  if (spec.gpus_are_real) {
    for (const char* file : {"/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools"}) {
      if (os::exists(file)) {
        argv.push_back(fmt::format("--bind={}", file));
      }
    }
    // Of the host's driver, whose version the kernel's part insists on.
    for (const os::DriverFile& file : os::nvidia_driver_files()) {
      argv.push_back(fmt::format("--bind-ro={}:{}", file.host, file.node));
    }
  }
  return argv;
}

Status Machine::start(const MachineSpec& spec, const std::string& image,
                      const NodePrograms& programs, const Limits& limits,
                      const Progress& progress) const {
  if (Status made = os::make_directories(directory_, 0700); !made) {
    return made;
  }
  if (Status noted = os::write_file(directory_ + "/machine.json", to_json(record_)); !noted) {
    return noted;
  }
  progress("preparing its disk");
  if (Status cleared = clear_leftovers(); !cleared) {
    return cleared;
  }
  if (Status written = write_disk(spec, image); !written) {
    return written;
  }
  if (Status mounted = mount_root(image); !mounted) {
    return mounted;
  }
  if (Status made = make_devices(spec); !made) {
    return made;
  }
  progress("plugging in its network");
  if (Status plugged = plug_in(cable()); !plugged) {
    return plugged;
  }
  progress("starting");
  std::vector<std::string> argv;
  std::vector<std::string> joins;
  if (host_.systemd) {
    argv = {"systemd-run", "--quiet", "--collect", "--slice=" + slice_name(record_.network_id),
            "--unit=" + name_};
    for (const std::string& property : Cgroups::unit_properties(limits)) {
      argv.push_back("--property=" + property);
    }
    argv.push_back("--property=StandardOutput=append:" + directory_ + "/console.log");
    argv.push_back("--property=StandardError=append:" + directory_ + "/console.log");
    const auto program = nspawn(spec, programs);
    argv.insert(argv.end(), program.begin(), program.end());
    return os::check(argv);
  }
  if (Status prepared = cgroups_.prepare(limits); !prepared) {
    return prepared;
  }
  const auto started = os::start_detached({.argv = nspawn(spec, programs)},
                                          directory_ + "/console.log", cgroups_.joins());
  return started ? cgroups_.hand_down() : pass(started.error());
}

Status Machine::remove(const Progress& progress) const {
  progress("ending its processes");
  if (Status cleared = clear_leftovers(); !cleared) {
    return cleared;
  }
  progress("removing its network and disk");
  cgroups_.remove();
  if (Status unplugged = unplug(cable()); !unplugged) {
    return unplugged;
  }
  return os::remove_tree(directory_);
}

std::vector<Belonging> Machine::belongings() const {
  std::vector<Belonging> found;
  const std::size_t processes = cgroups_.processes().size();
  if (processes > 0) {
    found.push_back({"processes", fmt::format("{} ({} of them)", record_.node, processes)});
  }
  for (const std::string& directory : cgroups_.directories()) {
    if (os::is_directory(directory)) {
      found.push_back({"control group", directory});
    }
  }
  if (is_mounted(directory_ + "/root")) {
    found.push_back({"mount", directory_ + "/root"});
  }
  if (os::exists(cable().namespace_file)) {
    found.push_back({"network namespace", cable().namespace_file});
  }
  if (os::exists("/sys/class/net/" + veth_name(record_.network_id, record_.address))) {
    found.push_back({"network interface", veth_name(record_.network_id, record_.address)});
  }
  if (os::is_directory(directory_)) {
    found.push_back({"directory", directory_});
  }
  return found;
}

}  // namespace provost::provider::local
