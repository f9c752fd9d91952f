#include "service/overlay_text.hpp"

#include <gtest/gtest.h>

namespace provost::service {
namespace {

using model::Amendment;
using model::Overlay;

TEST(OverlayText, IsReadBackAsItWas) {
  EXPECT_EQ(to_text(Overlay{}), "");
  EXPECT_EQ(read_overlay(""), Overlay{});
  const Overlay overlay{
      .next = 7,
      .amendments = {
          {.id = 2,
           .at = from_millis(1'795'000'000'000),
           .by = "linh",
           .kind = Amendment::Kind::limit,
           .account = "nlp",
           .subject = "gpus",
           .value = 8},
          {.id = 5,
           .at = from_millis(1'795'000'000'001),
           .by = "hoa",
           .kind = Amendment::Kind::add_project,
           .account = "nlp",
           .subject = "speech",
           .title = "Giọng nói",
           .lead = "minh"},
          {.id = 6, .kind = Amendment::Kind::remove_member, .account = "a", .subject = "b"}}};
  EXPECT_EQ(read_overlay(to_text(overlay)), overlay);
  const Overlay emptied{.next = 7, .amendments = {}};
  EXPECT_EQ(read_overlay(to_text(emptied)), emptied) << "no number is given twice";
}

TEST(OverlayText, WhatIsNoneIsLeftOut) {
  for (const char* text :
       {"nonsense", "[]", "{}", R"({"amendments": 3})", R"({"amendments": [1, {}, {"id": 0}]})",
        R"({"amendments": [{"id": 4, "kind": "of a later version"}]})"}) {
    EXPECT_TRUE(read_overlay(text).amendments.empty()) << text;
  }
  const Overlay late = read_overlay(R"({"next": 1, "amendments": [{"id": 4, "kind": "limit"}]})");
  EXPECT_EQ(late.next, 5);
}

}  // namespace
}  // namespace provost::service
