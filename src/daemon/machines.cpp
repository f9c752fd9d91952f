#include "daemon/machines.hpp"

#include "provider/local/local_provider.hpp"

namespace provost::daemon {

std::unique_ptr<provider::Provider> make_provider(const MachineOptions& options) {
  return std::make_unique<provider::local::LocalProvider>(provider::local::LocalOptions{
      .places = {.state = options.state, .run = options.run},
      .images = options.images,
      .image_cache = options.image_cache,
      .programs = {.agent = options.agent, .people = options.people}});
}

}  // namespace provost::daemon
