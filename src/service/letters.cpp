#include "service/letters.hpp"

#include "base/log.hpp"
#include "service/world.hpp"

namespace provost::service {
namespace {

constexpr std::chrono::days kKept{90};

}  // namespace

void write_letter(World& world, const std::string& person, const std::string& title,
                  os::Letter letter) {
  const std::string maildir = world.settings().outbox();
  letter.from = "Provost <root>";
  letter.to = title.empty() ? person : title + " <" + person + ">";
  if (const Status delivered = os::deliver(maildir, letter); !delivered) {
    log::warning("service", "no letter to {}: {}", person, delivered.error().message);
  }
  os::forget_letters(maildir, now_utc() - kKept);
}

}  // namespace provost::service
