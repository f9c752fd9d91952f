#include "manual/manual.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manual/completion.hpp"

namespace provost::manual {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Fruit : public testing::Test {
 protected:
  Fruit() {
    app_.require_subcommand(1);
    app_.add_option("--basket", basket_, "Where it lies")->type_name("DIRECTORY");
    CLI::App* pick = app_.add_subcommand("pick", "Take some");
    pick->fallthrough();
    pick->add_option("tree", tree_, "Which tree")->required()->type_name("TREE");
    pick->add_option("--colour", colour_, "Which ones")->check(CLI::IsMember({"red", "green"}));
    pick->add_flag("--ripe,!--no-ripe", ripe_, "Only those");
    pick->footer("Examples:\n  fruit pick -c 'it''s' \\\n      .hidden\nNot an example.");
    app_.add_subcommand("hide", "")->group("");
  }
  std::vector<std::string> words(const std::vector<std::string>& typed) {
    std::vector<std::string> found;
    for (const Offer& each : complete(app_, typed).offers) {
      found.push_back(each.word);
    }
    return found;
  }
  CLI::App app_{"Things that grow.", "fruit"};
  std::string basket_;
  std::string tree_;
  std::string colour_;
  bool ripe_ = false;
};

TEST_F(Fruit, PageHoldsEverythingAndNoRequestThatNobodyWrote) {
  const std::string page = render(*app_.get_subcommand("pick"), "fruit pick",
                                  {.name = "fruit-pick",
                                   .summary = "",
                                   .text = "One.\n\n.Two with `bold` and \\ sign.",
                                   .exits = "0\tdone",
                                   .see_also = {"fruit(1)"}});
  EXPECT_THAT(page, HasSubstr("fruit\\-pick \\- Take some"));
  EXPECT_THAT(page, HasSubstr("\n.PP\n\\&.Two with \\fBbold\\fR and \\e sign."));
  EXPECT_THAT(page, HasSubstr("\\fB\\-\\-colour"));
  EXPECT_THAT(page, HasSubstr("\n      .hidden"));
  EXPECT_THAT(page, testing::Not(HasSubstr("Not an example")));
  EXPECT_THAT(page, HasSubstr("\\fBfruit\\fR(1)"));
}

TEST_F(Fruit, CommandsAndOptionsAreOffered) {
  EXPECT_THAT(words({""}), ElementsAre("pick"));
  EXPECT_THAT(words({"x"}), IsEmpty());
  EXPECT_THAT(words({"x", ""}), IsEmpty());
  EXPECT_THAT(words({"pick", "--no"}), ElementsAre("--no-ripe"));
  EXPECT_THAT(words({"pick", "--b"}), ElementsAre("--basket"));
}

TEST_F(Fruit, ValuesAreOfferedWhereverTheyStand) {
  EXPECT_THAT(words({"pick", "--colour", "r"}), ElementsAre("red"));
  EXPECT_THAT(words({"pick", "--colour=r"}), ElementsAre("--colour=red"));
  EXPECT_THAT(words({"pick", "--colour", "=", "g"}), ElementsAre("green"));
  EXPECT_THAT(words({"pick", "--colour", "="}), ElementsAre("red", "green"));
  EXPECT_EQ(complete(app_, {"--basket", "some"}).type, "DIRECTORY");
  EXPECT_EQ(complete(app_, {"pick", "--basket=some"}).before, "--basket=");
  EXPECT_EQ(complete(app_, {"pick", "--ripe", "o"}).type, "TREE");
  EXPECT_EQ(complete(app_, {"pick", "oak", "o"}).type, "") << "one tree is enough";
  EXPECT_EQ(complete(app_, {"--basket=b", "pick", ""}).given.at("basket"), "b");
}

TEST(Script, IsThereForEachShell) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_THAT(script("fruit", shell), HasSubstr(kComplete)) << shell;
  }
  EXPECT_EQ(script("fruit", "cmd"), "");
}

}  // namespace
}  // namespace provost::manual
