// libFuzzer: any bytes are a message or an error, and a message that was read is written so that it
// is read as the same again.
#include <cstdint>
#include <cstdlib>

#include "protocol/messages.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using provost::protocol::decode;
  using provost::protocol::encode;
  const auto message = decode({reinterpret_cast<const char*>(data), size});
  if (message) {
    const std::string frame = encode(*message);
    const auto again = decode(frame);
    if (!again || encode(*again) != frame) {
      std::abort();
    }
  }
  return 0;
}
