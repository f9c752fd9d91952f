#include "scheduling/overlay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduling/samples_for_tests.hpp"

namespace provost::scheduling {
namespace {

using model::Amendment;
using model::Overlay;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using Verb = Amending::Verb;

model::Campus campus() {
  model::Campus made = samples::campus();
  made.departments[0].members = {"minh"};
  made.departments[0].limits = {{"gpus_per_user", {8, 12}}, {"wall", {2880, 12}}};
  made.departments[0].projects = {{.name = "llm", .lead = "an", .members = {}, .line = 20}};
  made.qos = {{.name = "normal", .limits = {{"jobs_per_user", {10, 30}}}, .line = 30}};
  return made;
}

const Amender kLinh{"linh", false, UtcTime{}};
const Amender kAn{"an", false, UtcTime{}};
const Amender kMinh{"minh", false, UtcTime{}};
const Amender kRoot{"root", true, UtcTime{}};

Overlay after(const Overlay& overlay, const Amending& wanted, const Amender& who = kLinh) {
  const auto made = amend(campus(), overlay, who, wanted);
  EXPECT_TRUE(made) << made.error().message;
  return made ? made->overlay : overlay;
}

model::Campus with(const Overlay& overlay) {
  model::Campus made = campus();
  EXPECT_THAT(apply_overlay(made, overlay), IsEmpty());
  return made;
}

std::string refusal(const Amending& wanted, const Amender& who = kLinh,
                    const Overlay& overlay = {}) {
  const auto made = amend(campus(), overlay, who, wanted);
  return made ? "allowed: " + made->words : made.error().message + "; " + made.error().hint;
}

TEST(Overlay, AddsAndRemovesMembers) {
  const Overlay one = after({}, {Verb::add_member, "nlp", "ada"});
  ASSERT_EQ(one.amendments.size(), 1U);
  EXPECT_EQ(one.amendments[0].by, "linh");
  EXPECT_EQ(words(one.amendments[0]), "ada is a member of nlp");
  EXPECT_THAT(with(one).departments[0].members, ElementsAre("minh", "ada"));

  const Overlay two = after(one, {Verb::remove_member, "nlp", "minh"});
  EXPECT_THAT(with(two).departments[0].members, ElementsAre("ada"));
  EXPECT_EQ(two.next, 3);
}

TEST(Overlay, WhatIsUndoneLeavesNothing) {
  const Overlay joined = after({}, {Verb::add_member, "nlp", "ada"});
  EXPECT_THAT(after(joined, {Verb::remove_member, "nlp", "ada"}).amendments, IsEmpty());
  const Overlay left = after({}, {Verb::remove_member, "nlp", "minh"});
  EXPECT_THAT(after(left, {Verb::add_member, "nlp", "minh"}).amendments, IsEmpty());
}

TEST(Overlay, AProjectComesWithItsPeopleAndGoesWithThem) {
  Overlay overlay = after({}, {Verb::add_project, "nlp", "speech", "", "Speech", "minh"});
  overlay = after(overlay, {Verb::add_project, "speech", "tones"});
  overlay = after(overlay, {Verb::add_member, "tones", "ada"});
  overlay = after(overlay, {Verb::limit, "speech", "gpus", "2"});
  const model::Campus now = with(overlay);
  const auto speech = now.find_account("speech");
  ASSERT_NE(speech.project, nullptr);
  EXPECT_EQ(speech.project->title, "Speech");
  EXPECT_EQ(speech.project->lead, "minh");
  EXPECT_EQ(speech.project->line, -1);
  EXPECT_EQ(speech.project->limits.at("gpus").value, 2);
  EXPECT_EQ(now.find_account("tones").project->parent, "speech");
  EXPECT_THAT(now.find_account("tones").project->members, ElementsAre("ada"));
  // Its lead has members, and no more.
  EXPECT_THAT(refusal({Verb::add_member, "speech", "an"}, kMinh, overlay), HasSubstr("allowed"));
  EXPECT_THAT(refusal({Verb::limit, "speech", "gpus", "1"}, kMinh, overlay),
              HasSubstr("who leads speech adds and removes its members, no more; ask linh"));
  EXPECT_THAT(after(overlay, {Verb::remove_project, "", "speech"}).amendments, IsEmpty());
}

TEST(Overlay, LimitsAreBelowTheFiles) {
  const Overlay lower = after({}, {Verb::limit, "nlp", "gpus_per_user", "4"});
  EXPECT_EQ(with(lower).departments[0].limits.at("gpus_per_user").value, 4);
  EXPECT_EQ(with(lower).departments[0].limits.at("gpus_per_user").line, -1);
  EXPECT_EQ(words(lower.amendments[0]), "nlp is limited to 4 GPUs per user");
  const Overlay lowest = after(lower, {Verb::limit, "nlp", "gpus_per_user", "2"});
  EXPECT_EQ(lowest.amendments.size(), 1U);
  EXPECT_THAT(after(lowest, {Verb::limit, "nlp", "gpus_per_user", "8"}).amendments, IsEmpty());
  EXPECT_THAT(after(lowest, {Verb::no_limit, "nlp", "gpus_per_user"}).amendments, IsEmpty());
  const Overlay wall = after({}, {Verb::limit, "llm", "wall", "1d"});
  EXPECT_EQ(with(wall).departments[0].projects[0].limits.at("wall").value, 1440);

  EXPECT_THAT(refusal({Verb::limit, "nlp", "gpus_per_user", "9"}),
              HasSubstr("nlp has 8 of GPUs per user (campus.toml:12): a supervisor sets less"));
  EXPECT_THAT(refusal({Verb::limit, "llm", "wall", "3d"}), HasSubstr("nlp has 2 days of"));
  EXPECT_THAT(refusal({Verb::limit, "nlp", "gpus_per_user", "8"}), HasSubstr("already"));
  EXPECT_THAT(refusal({Verb::limit, "nlp", "jobs_per_user", "3"}),
              HasSubstr("QoS normal limits jobs_per_user (campus.toml:30)"));
  EXPECT_THAT(refusal({Verb::limit, "nlp", "gpu", "3"}), HasSubstr("did you mean gpus?"));
  EXPECT_THAT(refusal({Verb::limit, "nlp", "least_gpus_per_job", "3"}), HasSubstr("of QoS alone"));
  EXPECT_THAT(refusal({Verb::limit, "nlp", "gpus", "-3"}), HasSubstr("a whole number"));
  EXPECT_THAT(refusal({Verb::limit, "nlp", "memory", "much"}), HasSubstr("512M or 64G"));
  EXPECT_THAT(refusal({Verb::no_limit, "nlp", "gpus_per_user"}), HasSubstr("campus.toml:12"));
}

TEST(Overlay, OthersAreRefused) {
  EXPECT_THAT(refusal({Verb::add_member, "nlp", "ada"}, kMinh),
              HasSubstr("minh does not supervise nlp; ask linh, who supervises nlp"));
  EXPECT_THAT(refusal({Verb::add_member, "Vision", "ada"}),
              HasSubstr("linh does not supervise Vision"));
  EXPECT_THAT(refusal({Verb::add_member, "llm", "ada"}, kAn), HasSubstr("allowed"));
  EXPECT_THAT(refusal({Verb::add_member, "nlp", "ada"}, kAn), HasSubstr("does not supervise"));
  EXPECT_THAT(refusal({Verb::add_project, "llm", "more"}, kAn), HasSubstr("no more"));
  EXPECT_THAT(refusal({Verb::add_member, "Vision", "ada"}, kRoot), HasSubstr("allowed"));
}

TEST(Overlay, NonsenseIsRefused) {
  EXPECT_THAT(refusal({Verb::add_member, "nlpp", "ada"}),
              HasSubstr("there is no account nlpp; did you mean nlp?"));
  EXPECT_THAT(refusal({Verb::add_member, "nlp", "linhh"}), HasSubstr("did you mean linh?"));
  EXPECT_THAT(refusal({Verb::add_member, "nlp", "minh"}), HasSubstr("already"));
  EXPECT_THAT(refusal({Verb::remove_member, "nlp", "ada"}), HasSubstr("is no member of nlp"));
  EXPECT_THAT(refusal({Verb::remove_member, "nlp", "linh"}), HasSubstr("linh supervises it"));
  for (const char* name : {"", "Upper", "-x", "a b", "x;y", "a\nb"}) {
    EXPECT_THAT(refusal({Verb::add_project, "nlp", name}), HasSubstr("cannot be")) << name;
  }
  EXPECT_THAT(refusal({Verb::add_project, "nlp", std::string(41, 'x')}), HasSubstr("cannot be"));
  EXPECT_THAT(refusal({Verb::add_project, "nlp", "university"}), HasSubstr("own"));
  EXPECT_THAT(refusal({Verb::add_project, "nlp", "llm"}), HasSubstr("a project llm already"));
  EXPECT_THAT(refusal({Verb::add_project, "nlp", "x", "", "a \"title\""}), HasSubstr("quotes"));
  EXPECT_THAT(refusal({Verb::add_project, "nlp", "x", "", "", "nobody"}), HasSubstr("no person"));
  EXPECT_THAT(refusal({Verb::remove_project, "", "llm"}),
              HasSubstr("project llm stands in campus.toml:20"));
  EXPECT_THAT(refusal({Verb::remove_project, "", "nlp"}), HasSubstr("there is no project nlp"));
}

TEST(Overlay, ALaterFileIsRespected) {
  Overlay overlay = after({}, {Verb::add_member, "nlp", "ada"});
  overlay = after(overlay, {Verb::limit, "nlp", "gpus_per_user", "4"});
  overlay = after(overlay, {Verb::add_project, "nlp", "speech"});
  overlay = after(overlay, {Verb::remove_member, "nlp", "minh"});
  overlay = after(overlay, {Verb::limit, "nlp", "gpus", "4"});
  model::Campus file = campus();
  file.departments[0].members = {"ada"};
  file.departments[0].limits["gpus_per_user"] = {3, 14};
  file.departments[0].projects.push_back({.name = "speech", .line = 50});
  file.qos[0].limits["gpus"] = {10, 31};
  const auto without_effect = apply_overlay(file, overlay);
  std::vector<std::string> why;
  for (const VoidAmendment& each : without_effect) {
    why.push_back(std::to_string(each.id) + " " + each.why);
  }
  EXPECT_THAT(why, UnorderedElementsAre("1 campus.toml has ada as a member of nlp",
                                        "2 campus.toml:14 has 3 of GPUs per user",
                                        "3 campus.toml has an account speech",
                                        "4 campus.toml does not have minh as a member of nlp",
                                        "5 QoS normal limits gpus (campus.toml:30)"));
  EXPECT_EQ(file.departments[0].limits.at("gpus_per_user").value, 3);
  EXPECT_EQ(file.find_account("speech").project->line, 50);

  model::Campus smaller = campus();
  smaller.departments.erase(smaller.departments.begin());
  EXPECT_EQ(apply_overlay(smaller, overlay).size(), 5U);
}

TEST(Overlay, IsTakenBack) {
  Overlay overlay = after({}, {Verb::add_project, "nlp", "speech"});
  overlay = after(overlay, {Verb::add_member, "speech", "ada"});
  overlay = after(overlay, {Verb::limit, "nlp", "gpus", "4"});
  const auto one = take_back(campus(), overlay, kLinh, 3);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->words, "taken back: nlp is limited to 4 GPUs together");
  EXPECT_EQ(one->overlay.amendments.size(), 2U);
  const auto both = take_back(campus(), overlay, kRoot, 1);
  ASSERT_TRUE(both);
  EXPECT_EQ(both->overlay.amendments.size(), 1U);
  EXPECT_EQ(both->overlay.next, 4);
  EXPECT_EQ(take_back(campus(), overlay, kMinh, 1).error().kind, ErrorKind::denied);
  EXPECT_EQ(take_back(campus(), overlay, kLinh, 9).error().kind, ErrorKind::not_found);
}

TEST(Overlay, SupervisorsAndAdministratorsSupervise) {
  EXPECT_TRUE(supervises(campus(), "linh", "nlp"));
  EXPECT_TRUE(supervises(campus(), "linh", "llm"));
  EXPECT_TRUE(supervises(campus(), "ada", "Vision"));
  EXPECT_FALSE(supervises(campus(), "an", "nlp"));
  EXPECT_FALSE(supervises(campus(), "linh", "nowhere"));
}

}  // namespace
}  // namespace provost::scheduling
