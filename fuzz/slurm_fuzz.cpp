// libFuzzer: whatever Slurm's programs print is read without harm.
#include <cstdint>
#include <string_view>

#include "slurm/client.hpp"
#include "slurm/hostlist.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto& node : provost::slurm::parse_nodes(text)) {
    (void)provost::slurm::state_words(node);
  }
  (void)provost::slurm::parse_jobs(text, "mark");
  (void)provost::slurm::expand(text);
  return 0;
}
