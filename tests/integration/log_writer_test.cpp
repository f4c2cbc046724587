// base::LogWriter: nobody waits for whoever reads the log, every line is written or counted, files rotate.
#include "base/log_writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <vector>

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using base::LogWriter;

class LogWriterTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "ledgerline-log-XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
    }
    void TearDown() override { fs::remove_all(folder_); }

    LogWriter::Options options() {
        LogWriter::Options result;
        result.file = file();
        result.lost_line = [](std::uint64_t lost) { return "lost " + std::to_string(lost); };
        return result;
    }
    [[nodiscard]] std::string file() const { return (folder_ / "log").string(); }
    static std::vector<std::string> lines(const std::string& path) {
        std::ifstream in(path);
        std::vector<std::string> result;
        for (std::string line; std::getline(in, line);) result.push_back(line);
        return result;
    }

    fs::path folder_;
};

TEST_F(LogWriterTest, writes_every_line_in_its_order) {
    {
        LogWriter writer(options());
        for (int i = 0; i < 10'000; ++i) writer.append(std::to_string(i), false);
    }
    const auto written = lines(file());
    ASSERT_EQ(written.size(), 10'000U);
    for (std::size_t i = 0; i < written.size(); ++i) EXPECT_EQ(written[i], std::to_string(i));
}

TEST_F(LogWriterTest, urgent_lines_do_not_wait_for_the_interval) {
    auto slow = options();
    slow.write_interval = 1h;
    LogWriter writer(slow);
    writer.append("first", false);  // opens the interval
    writer.flush();
    writer.append("second", false);
    writer.append("third", true);
    for (int i = 0; i < 2000 && lines(file()).size() < 3; ++i) ::usleep(5000);
    EXPECT_EQ(lines(file()), (std::vector<std::string>{"first", "second", "third"}));
}

/// A pipe that nobody reads is the worst of disks.
TEST_F(LogWriterTest, a_reader_that_stands_still_costs_lines_but_no_time) {
    ASSERT_EQ(::mkfifo(file().c_str(), 0600), 0);
    const int reader = ::open(file().c_str(), O_RDONLY | O_NONBLOCK);
    ASSERT_GE(reader, 0);
    auto small = options();
    small.buffer_limit = 64 * 1024;
    const std::string line(99, 'x');
    constexpr std::uint64_t appended = 10'000;
    std::string read;
    std::uint64_t lost = 0;
    {
        LogWriter writer(small);
        const auto begin = std::chrono::steady_clock::now();
        for (std::uint64_t i = 0; i < appended; ++i) writer.append(line, false);
        EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
        lost = writer.lost();
        // A pipe holds 64 kB; the buffer and what is on its way as much each.
        EXPECT_GT(lost, appended / 2);
        writer.append("urgent", true);  // has a part of the buffer to itself
        EXPECT_EQ(writer.lost(), lost);

        std::array<char, 4096> bytes{};
        while (read.find("urgent\n") == std::string::npos) {
            const auto count = ::read(reader, bytes.data(), bytes.size());
            if (count > 0) read.append(bytes.data(), static_cast<std::size_t>(count));
        }
        writer.flush();
        EXPECT_EQ(writer.lost(), lost);
        const auto count = ::read(reader, bytes.data(), bytes.size());
        if (count > 0) read.append(bytes.data(), static_cast<std::size_t>(count));
    }
    ::close(reader);
    std::uint64_t arrived = 0;
    std::uint64_t told = 0;
    std::istringstream in(read);
    for (std::string each; std::getline(in, each);) {
        if (each == line) ++arrived;
        if (each.starts_with("lost ")) told += std::stoull(each.substr(5));
    }
    EXPECT_EQ(arrived + lost, appended);
    EXPECT_EQ(told, lost);
}

TEST_F(LogWriterTest, ends_although_nobody_reads) {
    ASSERT_EQ(::mkfifo(file().c_str(), 0600), 0);
    const int reader = ::open(file().c_str(), O_RDONLY | O_NONBLOCK);
    auto impatient = options();
    impatient.stop_timeout = 50ms;
    const auto begin = std::chrono::steady_clock::now();
    {
        LogWriter writer(impatient);
        for (int i = 0; i < 10'000; ++i) writer.append(std::string(99, 'x'), false);
    }
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
    ::close(reader);
}

TEST_F(LogWriterTest, reopening_follows_rotation_and_loses_nothing) {
    LogWriter writer(options());
    std::set<std::string> expected;
    for (int turn = 0; turn < 3; ++turn) {
        const auto line = "turn " + std::to_string(turn);
        expected.insert(line);
        writer.append(line, false);
        fs::rename(file(), file() + '.' + std::to_string(turn));
        writer.reopen();
        EXPECT_EQ(lines(file() + '.' + std::to_string(turn)), std::vector<std::string>{line});
        EXPECT_TRUE(lines(file()).empty());
    }
    EXPECT_EQ(writer.lost(), 0U);
}

TEST_F(LogWriterTest, a_file_that_cannot_be_opened_is_named_and_the_old_one_kept) {
    auto nowhere = options();
    nowhere.file = (folder_ / "no" / "log").string();
    try {
        const LogWriter writer(nowhere);
        FAIL() << "opened " << nowhere.file;
    } catch (const std::runtime_error& error) {
        EXPECT_NE(std::string(error.what()).find(nowhere.file), std::string::npos);
    }
    fs::create_directory(folder_ / "no");
    LogWriter writer(nowhere);
    fs::rename(folder_ / "no", folder_ / "gone");
    EXPECT_THROW(writer.reopen(), std::runtime_error);
    writer.append("kept", true);
    writer.flush();
    EXPECT_EQ(lines((folder_ / "gone" / "log").string()), std::vector<std::string>{"kept"});
}

}  // namespace
