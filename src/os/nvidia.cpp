#include "os/nvidia.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>

#include "base/text.hpp"
#include "os/files.hpp"

namespace provost::os {
namespace {

namespace fs = std::filesystem;

// nvml.h, as far as it is used here. All functions return 0 for success.
using Device = void*;
using Answer = int;
constexpr Answer kDone = 0;
constexpr Answer kNotFound = 6;  // of samples: none since the last ones
constexpr unsigned kTextSize = 96;
constexpr int kGpuUtilization = 1;  // nvmlSamplingType_t
struct Memory {
  unsigned long long total, free, used;  // NOLINT(google-runtime-int): as NVML has them
};
struct Sample {
  unsigned long long micros;  // NOLINT(google-runtime-int)
  union {
    double as_double;
    unsigned as_unsigned;
    unsigned long long as_long;  // NOLINT(google-runtime-int)
  } value;
};
struct ProfileInfo {  // nvmlGpuInstanceProfileInfo_v2_t
  unsigned version, id, is_p2p, slices, instances, multiprocessors, copy_engines, decoders,
      encoders, jpegs, flows;
  unsigned long long memory_mib;  // NOLINT(google-runtime-int)
  char name[kTextSize];           // NOLINT(*-avoid-c-arrays): NVML's
};
constexpr unsigned kProfileVersion = sizeof(ProfileInfo) | (2U << 24U);
constexpr unsigned kMostProfiles = 32;  // more than there are numbers of
struct Rates {
  unsigned gpu, memory;
};

constexpr std::array kLibraryDirectories = {"/usr/lib/x86_64-linux-gnu/nvidia/current",
                                            "/usr/lib/x86_64-linux-gnu",
                                            "/usr/lib/aarch64-linux-gnu",
                                            "/usr/lib64",
                                            "/usr/lib64/nvidia",
                                            "/usr/local/nvidia/lib64",
                                            "/usr/local/nvidia/lib",
                                            "/usr/lib/wsl/lib"};
constexpr std::array kProgramDirectories = {"/usr/bin", "/usr/local/nvidia/bin",
                                            "/usr/lib/nvidia/current"};

// What a program that computes loads, at the latest when it compiles a kernel.
constexpr std::array kLibraries = {
    "libcuda.so.1",        "libnvidia-ml.so.1",  "libnvidia-ptxjitcompiler.so.1",
    "libnvidia-nvvm.so.4", "libnvidia-cfg.so.1", "libnvidia-opencl.so.1"};
// Loaded by their whole names.
constexpr std::array kVersionedLibraries = {"libnvidia-gpucomp.so.", "libnvidia-nvvm70.so."};

#if defined(__aarch64__)
constexpr std::string_view kNodeLibraries = "/usr/lib/aarch64-linux-gnu";
#else
constexpr std::string_view kNodeLibraries = "/usr/lib/x86_64-linux-gnu";
#endif

// "NVIDIA H100 80GB HBM3 MIG 3g.40gb", "MIG 3g.40gb" -> "3g.40gb"
std::string profile_of(const std::string& name) {
  constexpr std::string_view kMark = "MIG ";
  const std::size_t at = name.rfind(kMark);
  return at == std::string::npos ? name : name.substr(at + kMark.size());
}

// The file behind links: a mount onto a link would follow it inside the node.
std::string real_file(const std::string& path) {
  std::error_code failed;
  const fs::path real = fs::canonical(path, failed);
  return failed || !fs::is_regular_file(real, failed) ? std::string() : real.string();
}

}  // namespace

struct Nvml::Library {
  void* handle = nullptr;
  Answer (*shutdown)() = nullptr;
  const char* (*words)(Answer) = nullptr;
  Answer (*driver_version)(char*, unsigned) = nullptr;
  Answer (*count)(unsigned*) = nullptr;
  Answer (*by_index)(unsigned, Device*) = nullptr;
  Answer (*minor)(Device, unsigned*) = nullptr;
  Answer (*name)(Device, char*, unsigned) = nullptr;
  Answer (*uuid)(Device, char*, unsigned) = nullptr;
  Answer (*memory)(Device, Memory*) = nullptr;
  Answer (*rates)(Device, Rates*) = nullptr;
  // Of newer drivers: may be missing.
  Answer (*mig_mode)(Device, unsigned*, unsigned*) = nullptr;
  Answer (*mig_count)(Device, unsigned*) = nullptr;
  Answer (*mig_device)(Device, unsigned, Device*) = nullptr;
  Answer (*mig_profile)(Device, unsigned, ProfileInfo*) = nullptr;
  // NOLINTNEXTLINE(google-runtime-int)
  Answer (*samples)(Device, int, unsigned long long, int*, unsigned*, Sample*) = nullptr;

  struct Busy {
    std::int64_t micros = 0;
    unsigned long long seen = 0;  // NOLINT(google-runtime-int): time of the last sample
    std::chrono::steady_clock::time_point asked{};
  };
  std::map<std::string, Busy> busy;

  Library() = default;
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() {
    if (shutdown != nullptr) {
      shutdown();
    }
    if (handle != nullptr) {
      ::dlclose(handle);
    }
  }

  template <class Function>
  bool find(Function& function, const char* symbol) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what dlsym(3) is for
    function = reinterpret_cast<Function>(::dlsym(handle, symbol));
    return function != nullptr;
  }
  bool find_all() {
    find(mig_mode, "nvmlDeviceGetMigMode");
    find(mig_count, "nvmlDeviceGetMaxMigDeviceCount");
    find(mig_device, "nvmlDeviceGetMigDeviceHandleByIndex");
    find(mig_profile, "nvmlDeviceGetGpuInstanceProfileInfoV");
    find(samples, "nvmlDeviceGetSamples");
    return find(words, "nvmlErrorString") && find(driver_version, "nvmlSystemGetDriverVersion") &&
           find(count, "nvmlDeviceGetCount_v2") &&
           find(by_index, "nvmlDeviceGetHandleByIndex_v2") &&
           find(minor, "nvmlDeviceGetMinorNumber") && find(name, "nvmlDeviceGetName") &&
           find(uuid, "nvmlDeviceGetUUID") && find(memory, "nvmlDeviceGetMemoryInfo") &&
           find(rates, "nvmlDeviceGetUtilizationRates");
  }

  [[nodiscard]] std::string text(Answer (*ask)(Device, char*, unsigned), Device device) const {
    std::array<char, kTextSize> buffer{};
    return ask(device, buffer.data(), kTextSize) == kDone ? std::string(buffer.data())
                                                          : std::string();
  }

  /// Every GPU with its device file.
  [[nodiscard]] std::vector<std::pair<std::string, Device>> devices() const {
    std::vector<std::pair<std::string, Device>> found;
    unsigned many = 0;
    if (count(&many) != kDone) {
      return found;
    }
    for (unsigned i = 0; i < many; ++i) {
      Device device = nullptr;
      unsigned number = 0;
      if (by_index(i, &device) == kDone && minor(device, &number) == kDone) {
        found.emplace_back(fmt::format("/dev/nvidia{}", number), device);
      }
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  [[nodiscard]] std::vector<MigProfile> profiles(Device device) const {
    std::vector<ProfileInfo> infos;
    for (unsigned i = 0; mig_profile != nullptr && i < kMostProfiles; ++i) {
      ProfileInfo info{};
      info.version = kProfileVersion;
      if (mig_profile(device, i, &info) == kDone) {
        info.name[kTextSize - 1] = '\0';
        infos.push_back(info);
      }
    }
    std::stable_sort(infos.begin(), infos.end(), [](const auto& left, const auto& right) {
      return std::pair(left.slices, left.memory_mib) < std::pair(right.slices, right.memory_mib);
    });
    std::vector<MigProfile> found;
    for (const ProfileInfo& each : infos) {
      found.push_back({profile_of(static_cast<const char*>(each.name)), each.instances});
    }
    return found;
  }

  void look_at_mig(Device device, NvidiaGpu& gpu) const {
    unsigned current = 0;
    unsigned pending = 0;
    if (mig_mode == nullptr || mig_mode(device, &current, &pending) != kDone) {
      return;
    }
    gpu.mig = current == 0 ? Mig::off : Mig::on;
    gpu.profiles = profiles(device);
    unsigned most = 0;
    if (current == 0 || mig_count == nullptr || mig_device == nullptr ||
        mig_count(device, &most) != kDone) {
      return;
    }
    for (unsigned i = 0; i < most; ++i) {
      Device partition = nullptr;
      if (mig_device(device, i, &partition) == kDone) {
        gpu.partitions.push_back(profile_of(text(name, partition)));
      }
    }
  }

  /// Adds what the GPU did since it was last asked; false: it cannot tell.
  bool add_busy(Device device, Busy& of) const {
    const auto now = std::chrono::steady_clock::now();
    const auto since = of.asked == std::chrono::steady_clock::time_point{}
                           ? std::chrono::microseconds(0)
                           : std::chrono::duration_cast<std::chrono::microseconds>(now - of.asked);
    of.asked = now;
    if (const auto sampled = from_samples(device, of)) {
      of.micros += *sampled;
      return true;
    }
    Rates now_used{};
    if (rates(device, &now_used) != kDone) {
      return false;
    }
    of.micros += since.count() * now_used.gpu / 100;
    return true;
  }

  /// Nothing: the driver keeps none. The first look takes note of where they are.
  std::optional<std::int64_t> from_samples(Device device, Busy& of) const {
    int kind = 0;
    unsigned many = 0;
    if (samples == nullptr) {
      return std::nullopt;
    }
    Answer answer = samples(device, kGpuUtilization, of.seen, &kind, &many, nullptr);
    if (answer == kNotFound) {
      return 0;
    }
    if (answer != kDone || many == 0) {
      return std::nullopt;
    }
    std::vector<Sample> taken(many);
    answer = samples(device, kGpuUtilization, of.seen, &kind, &many, taken.data());
    if (answer != kDone) {
      return answer == kNotFound ? std::optional<std::int64_t>(0) : std::nullopt;
    }
    taken.resize(many);
    std::int64_t micros = 0;
    const bool first = of.seen == 0;
    for (const Sample& each : taken) {
      if (!first && each.micros > of.seen) {
        micros += static_cast<std::int64_t>(each.micros - of.seen) *
                  std::min(each.value.as_unsigned, 100U) / 100;
      }
      of.seen = std::max(of.seen, each.micros);
    }
    return micros;
  }
};

Nvml::Nvml(std::unique_ptr<Library> library) : library_(std::move(library)) {}
Nvml::Nvml(Nvml&&) noexcept = default;
Nvml& Nvml::operator=(Nvml&&) noexcept = default;
Nvml::~Nvml() = default;

Result<Nvml> Nvml::load(const std::string& library) {
  auto loaded = std::make_unique<Library>();
  loaded->handle = library.empty() ? nullptr : ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (loaded->handle == nullptr) {
    return fail(ErrorKind::not_found, "no NVML here (it comes with NVIDIA's driver)");
  }
  Answer (*begin)() = nullptr;
  if (!loaded->find_all() || !loaded->find(begin, "nvmlInit_v2")) {
    return fail(ErrorKind::unavailable, "{} is older than any NVML that is known", library);
  }
  if (const Answer answer = begin(); answer != kDone) {
    return fail(ErrorKind::unavailable, "NVML cannot be used: {}", loaded->words(answer));
  }
  loaded->find(loaded->shutdown, "nvmlShutdown");
  return Nvml(std::move(loaded));
}

std::string Nvml::driver() const {
  std::array<char, kTextSize> buffer{};
  return library_->driver_version(buffer.data(), kTextSize) == kDone ? buffer.data()
                                                                     : std::string();
}

std::vector<NvidiaGpu> Nvml::gpus() const {
  std::vector<NvidiaGpu> found;
  for (const auto& [file, device] : library_->devices()) {
    Memory memory{};
    library_->memory(device, &memory);
    NvidiaGpu gpu{.file = file,
                  .name = library_->text(library_->name, device),
                  .uuid = library_->text(library_->uuid, device),
                  .memory_mib = static_cast<std::int64_t>(memory.total >> 20U)};
    library_->look_at_mig(device, gpu);
    found.push_back(std::move(gpu));
  }
  return found;
}

std::map<std::string, std::int64_t> Nvml::busy_millis() {
  constexpr std::int64_t kMicros = 1000;
  std::map<std::string, std::int64_t> found;
  for (const auto& [file, device] : library_->devices()) {
    Library::Busy& busy = library_->busy[file];
    if (library_->add_busy(device, busy)) {
      found[file] = busy.micros / kMicros;
    }
  }
  return found;
}

std::string nvidia_library(const std::string& name) {
  for (const char* directory : kLibraryDirectories) {
    const std::string path = fmt::format("{}/{}", directory, name);
    if (!real_file(path).empty()) {
      return path;
    }
  }
  return {};
}

std::vector<DriverFile> nvidia_driver_files() {
  std::vector<DriverFile> files;
  for (const char* name : kLibraries) {
    const std::string path = nvidia_library(name);
    if (!path.empty()) {
      files.push_back({real_file(path), fmt::format("{}/{}", kNodeLibraries, name)});
    }
  }
  if (files.empty()) {
    return files;
  }
  const std::string directory = fs::path(nvidia_library(kLibraries[0])).parent_path();
  for (const std::string& each : list_directory(directory)) {
    for (const char* begins : kVersionedLibraries) {
      const std::string real = each.starts_with(begins) ? real_file(directory + "/" + each) : "";
      if (!real.empty()) {
        files.push_back({real, fmt::format("{}/{}", kNodeLibraries, each)});
      }
    }
  }
  for (const char* each : kProgramDirectories) {
    const std::string program = real_file(fmt::format("{}/nvidia-smi", each));
    if (!program.empty()) {
      files.push_back({program, "/usr/bin/nvidia-smi"});
      break;
    }
  }
  return files;
}

}  // namespace provost::os
