// Slurm's host lists: "cpu-[1-3,7],gpu-1". Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace provost::slurm {

/// The names as one host list: those that differ only in a number at their end become a range.
/// Groups stand in the order in which they first occur, numbers ascending; a name that occurs twice
/// is written once. Empty for no names. Numbers with leading zeros are never folded into a range.
std::string compress(const std::vector<std::string>& names);

/// The same for a list whose order means something (addresses beside names): only neighbours that
/// count upwards become a range, nothing is moved or left out.
std::string compress_in_order(const std::vector<std::string>& names);

/// The names of a host list, in its order; zero padding is kept. Only one bracket a name, as Slurm
/// prints node lists of one dimension. "" and "(null)" are no names. Errors: invalid (unbalanced or
/// nested brackets, a range that runs backwards); limit (over 65,536 names, Slurm's own bound).
Result<std::vector<std::string>> expand(std::string_view list);

}  // namespace provost::slurm
