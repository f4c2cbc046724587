// The key file: made once, whoever comes first.
#include "frontend/auth/secrets.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <future>
#include <vector>

namespace {

namespace fs = std::filesystem;
using auth::SecretBox;

class KeyFile : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "ledgerline-key-XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
    }
    void TearDown() override { fs::remove_all(folder_); }

    fs::path folder_;
};

TEST_F(KeyFile, IsMadeOnlyWhereThatIsWanted) {
    const auto path = (folder_ / "key").string();
    EXPECT_THROW(SecretBox::from_file(path, false), std::runtime_error);
    const auto sealed = SecretBox::from_file(path, true).seal("secret");
    EXPECT_EQ(SecretBox::from_file(path, true).open(sealed), "secret");
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    EXPECT_THROW(SecretBox::from_file((folder_ / "no" / "key").string(), true), std::runtime_error);
}

TEST_F(KeyFile, IsTheSameForAllWhoStartAtOnce) {
    for (int round = 0; round < 50; ++round) {
        const auto path = (folder_ / std::to_string(round)).string();
        std::vector<std::future<SecretBox>> boxes;
        for (int i = 0; i < 8; ++i)
            boxes.push_back(std::async(std::launch::async, [&] { return SecretBox::from_file(path, true); }));
        const auto first = boxes.front().get();
        for (std::size_t i = 1; i < boxes.size(); ++i)
            EXPECT_EQ(boxes[i].get().open(first.seal("secret")), "secret");
    }
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 50) << "drafts are left";
}

}  // namespace
