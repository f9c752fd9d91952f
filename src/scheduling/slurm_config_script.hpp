// The script that puts Slurm's files in force on the controller.
#pragma once

#include <string>

namespace provost::scheduling {

inline constexpr const char* kSlurmConfigScript = "/opt/provost/lib/slurm-config";
inline constexpr const char* kWantedFiles = "/etc/provost/slurm";

/// Exit statuses of `slurm-config try`.
inline constexpr int kRefusedBySlurmctld = 3;
inline constexpr int kNotDelivered = 4;
inline constexpr int kSilent = 5;
/// slurmctld remembers ended jobs that it could not read anew without nodes that are gone.
inline constexpr int kRemembers = 7;
inline constexpr int kChangedByHand = 6;

std::string slurm_config_script();

}  // namespace provost::scheduling
