#include "protocol/messages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace provost::protocol {
namespace {

using testing::HasSubstr;
using Text = std::string;

// Text as JSON has it; bytes are anything.
rc::Gen<Text> text() {
  return rc::gen::map(rc::gen::container<std::vector<Text>>(rc::gen::element<Text>(
                          "a", "/etc/x", "\"", "\\", "\n", Text(1, '\0'), "ü", "火", "🔥", " ")),
                      [](const std::vector<Text>& pieces) {
                        Text all;
                        for (const Text& piece : pieces) {
                          all += piece;
                        }
                        return all;
                      });
}
rc::Gen<Text> bytes() { return rc::gen::arbitrary<Text>(); }
Text any_text() { return *text(); }
std::vector<Text> any_texts() { return *rc::gen::container<std::vector<Text>>(text()); }
std::int64_t any_number() { return *rc::gen::arbitrary<std::int64_t>(); }
unsigned any_mode() { return *rc::gen::inRange(0U, 010000U); }

model::NodePart any_part() {
  model::NodePart part;
  part.room = any_text();
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
    part.directories.push_back({any_text(), any_mode(), any_text(), any_text()});
    part.files.push_back({any_text(), *bytes(), any_mode(), any_text(), any_text()});
    part.units.push_back({.name = any_text(),
                          .stage = *rc::gen::element(model::Stage::base, model::Stage::service,
                                                     model::Stage::worker),
                          .ready = any_texts(),
                          .then = {any_texts(), any_texts()},
                          .restart_on = any_texts()});
  }
  return part;
}

std::optional<ScriptOrder> any_script() {
  if (*rc::gen::arbitrary<bool>()) {
    return std::nullopt;
  }
  return ScriptOrder{.bucket = any_text(),
                     .prefix = any_text(),
                     .script = any_text(),
                     .bundle = *bytes(),
                     .timeout_s = any_number(),
                     .environment = {{any_text(), any_text()}, {any_text(), any_text()}}};
}

Report any_report() {
  Report report;
  report.revision = any_text();
  report.failure = any_text();
  report.script = {*rc::gen::element(ScriptState::none, ScriptState::running,
                                     ScriptState::succeeded, ScriptState::failed),
                   *rc::gen::arbitrary<int>(), any_text(), any_text(), any_number()};
  report.units.push_back(
      {any_text(),
       *rc::gen::element(UnitState::waiting, UnitState::starting, UnitState::up, UnitState::failed),
       any_text()});
  if (*rc::gen::arbitrary<bool>()) {
    report.inventory = Inventory{*rc::gen::arbitrary<int>(), any_number(), any_text(), any_texts()};
  }
  report.load = *rc::gen::inRange(0, 100'000) / 100.0;
  return report;
}

Message any_message(std::size_t kind) {
  switch (kind) {
    case 0:
      return Hello{*rc::gen::arbitrary<int>(), any_text(), any_text(),
                   *rc::gen::arbitrary<int>(), any_text(), any_number()};
    case 1:
      return Spec{any_number(), any_text(), any_part(), any_script(), model::Stage::worker};
    case 2:
      return any_report();
    case 3:
      return LogChunk{any_text(), any_text()};
    case 4:
      return RunOrder{any_number(), any_texts(), *bytes(), any_number()};
    case 5:
      return RunCancel{any_number()};
    case 6:
      return RunOutput{any_number(), *rc::gen::arbitrary<bool>(), *bytes()};
    default:
      return RunEnd{any_number(), *rc::gen::arbitrary<int>(), any_text()};
  }
}

std::string what_is_wrong_with(std::string_view frame) {
  const auto message = decode(frame);
  EXPECT_FALSE(message) << frame;
  return message ? "" : message.error().message;
}

// Equality by what is written: `encode` writes every member, in an order of its own.
RC_GTEST_PROP(Messages, AreReadAsTheyWereWritten, ()) {
  const auto kind = *rc::gen::inRange<std::size_t>(0, std::variant_size_v<Message>);
  const Message message = any_message(kind);
  const std::string frame = encode(message);
  const auto again = decode(frame);
  RC_ASSERT(again.has_value());
  RC_ASSERT(again->index() == kind);
  RC_ASSERT(encode(*again) == frame);
}

RC_GTEST_PROP(Messages, AreNeverReadWhenCutOff, ()) {
  const auto kind = *rc::gen::inRange<std::size_t>(0, std::variant_size_v<Message>);
  const std::string frame = encode(any_message(kind));
  for (int i = 0; i < 30; ++i) {
    const auto length = *rc::gen::inRange<std::size_t>(0, frame.size());
    const auto cut = decode(std::string_view(frame).substr(0, length));
    RC_ASSERT(!cut.has_value());
    RC_ASSERT(cut.error().kind == ErrorKind::invalid);
  }
}

TEST(Messages, AreErrorsAtEveryTruncation) {
  Spec spec{.revision = "r", .script = ScriptOrder{.environment = {{"A", "b"}}}};
  spec.part.files = {{"/a", "b\xff"}};
  spec.part.units = {{.name = "a.service", .ready = {"true"}}};
  const Report report{.units = {{"a.service", UnitState::failed, "why"}}, .inventory = Inventory{}};
  for (const Message& message :
       {Message(Hello{}), Message(spec), Message(report), Message(LogChunk{}), Message(RunOrder{}),
        Message(RunCancel{}), Message(RunOutput{}), Message(RunEnd{})}) {
    const std::string frame = encode(message);
    ASSERT_TRUE(decode(frame)) << frame;
    for (std::size_t length = 0; length < frame.size(); ++length) {
      EXPECT_FALSE(decode(std::string_view(frame).substr(0, length))) << frame << " at " << length;
    }
  }
}

TEST(Messages, KeepEveryByteOfBundlesFilesInputsAndOutputs) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) {
    all += static_cast<char>(byte);
  }
  Spec spec;
  spec.part.files = {{"/a", all}, {"/b", "plain ü"}};
  spec.script = ScriptOrder{.bundle = all};
  const Spec read = std::get<Spec>(decode(encode(spec)).value());
  EXPECT_EQ(read.part.files[0].content, all);
  EXPECT_EQ(read.part.files[1].content, "plain ü");
  EXPECT_EQ(read.script->bundle, all);
  EXPECT_EQ(std::get<RunOrder>(decode(encode(RunOrder{.input = all})).value()).input, all);
  EXPECT_EQ(std::get<RunOutput>(decode(encode(RunOutput{.bytes = all})).value()).bytes, all);
}

TEST(Messages, CarryTextThatIsNotUtf8WithReplacements) {
  const LogChunk chunk{"lifecycle", "a\xff\xc3z\xed\xa0\x80 ü"};
  const auto read = std::get<LogChunk>(decode(encode(chunk)).value());
  EXPECT_EQ(read.text, "a\uFFFD\uFFFDz\uFFFD\uFFFD\uFFFD ü");
}

TEST(Messages, IgnoreMembersOfANewerPeer) {
  const auto message = decode(R"({"kind":"run_cancel","id":7,"urgency":{"high":[1,2]}})");
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(std::get<RunCancel>(*message).id, 7);
}

TEST(Messages, SayWhatIsWrong) {
  EXPECT_THAT(what_is_wrong_with(R"({"kind":"dance"})"), HasSubstr("unknown kind \"dance\""));
  EXPECT_THAT(what_is_wrong_with(R"([1])"), HasSubstr("no object with a kind"));
  EXPECT_THAT(what_is_wrong_with(R"({"kind":"run_cancel"})"),
              HasSubstr("run_cancel.id is missing"));
  EXPECT_THAT(what_is_wrong_with(R"({"kind":"run_cancel","id":"7"})"),
              HasSubstr("run_cancel.id is not a whole number"));
  EXPECT_THAT(what_is_wrong_with(R"({"kind":"run_cancel","id":9223372036854775808})"),
              HasSubstr("run_cancel.id is not a whole number"));
  EXPECT_THAT(what_is_wrong_with(R"({"kind":"run_end","id":1,"status":4294967296,"failure":""})"),
              HasSubstr("run_end.status is not a whole number of its range"));
  EXPECT_THAT(
      what_is_wrong_with(R"({"kind":"run_output","id":1,"error_channel":false,"bytes":"?"})"),
      HasSubstr("run_output.bytes is not base64"));
  EXPECT_THAT(
      what_is_wrong_with(R"({"kind":"run_order","id":1,"argv":["a",2],"input":"","timeout_s":1})"),
      HasSubstr("run_order.argv[1] is not a text"));
  EXPECT_THAT(what_is_wrong_with(R"({"kind":"spec","epoch":1,"revision":"","part":
      {"room":"","directories":[],"files":[{"path":"/a","content":"","mode":-1}],"units":[]}})"),
              HasSubstr("spec.part.files[0].mode is not a whole number of its range"));
}

TEST(Messages, RefuseWhatIsNestedDeeplyOrTooLarge) {
  EXPECT_THAT(what_is_wrong_with(R"({"kind":"run_cancel","x":)" + std::string(100'000, '[')),
              HasSubstr("too deep"));
  EXPECT_THAT(what_is_wrong_with(std::string(kMessageLimit + 1, ' ')), HasSubstr("limit"));
}

}  // namespace
}  // namespace provost::protocol
