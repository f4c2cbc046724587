// What the ledger is compared with: pgbench's TPC-B-like transaction, and plain double entry in one
// transaction.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace bench {

/// Makes and fills a database of its own for each peer on the cluster.
class Peers {
  public:
    /// `folder`: for pgbench's script. `url_of_database`: a URI as superuser, with `%` where the database's
    /// name goes.
    Peers(const std::filesystem::path& folder, std::string url_of_database, int tpcb_scale,
          std::int64_t accounts);

    /// Transactions per second of pgbench's own TPC-B-like script; 16 clients, prepared.
    [[nodiscard]] double tpcb(int seconds) const;
    /// What transactions of that script at random times took in ms, from the time that each was due; sorted.
    [[nodiscard]] std::vector<double> tpcb_latencies_ms(double per_second, int seconds) const;
    /// Transfers per second of a function in the way of pgledger: both accounts' rows locked in order, two
    /// balance updates, a transfer and two entries, a transaction each; 16 clients, prepared.
    [[nodiscard]] double double_entry(int seconds) const;

  private:
    [[nodiscard]] std::string url(const std::string& database) const;
    [[nodiscard]] double pgbench(const std::string& database, const std::string& arguments,
                                 int seconds) const;

    std::filesystem::path folder_;
    std::string url_;
    std::filesystem::path script_;
};

}  // namespace bench
