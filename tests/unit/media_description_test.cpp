// What the bridge takes of an offer, and its answer.
#include "telephony/media/description.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using media::answer_to;
using media::read_offer;

std::string offer(const std::string& media, const std::string& connection = "c=IN IP4 192.0.2.7\r\n") {
    return "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\n" + connection + "t=0 0\r\n" + media;
}

TEST(MediaDescription, TheFirstCodecThatCanBeMixedIsTaken) {
    const auto read =
        read_offer(offer("m=audio 4000 RTP/AVP 9 8 0 101\r\na=rtpmap:9 G722/8000\r\n"
                         "a=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n"));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->codec, "pcma");
    EXPECT_EQ(read->payload_type, 8);
    EXPECT_EQ(read->address, "192.0.2.7");
    EXPECT_EQ(read->port, 4000);
    const auto answer = answer_to(*read, "198.51.100.1", 40'002);
    EXPECT_NE(answer.find("c=IN IP4 198.51.100.1\r\n"), std::string::npos);
    EXPECT_NE(answer.find("m=audio 40002 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"), std::string::npos);
    EXPECT_NE(answer.find("a=recvonly\r\n"), std::string::npos);
    EXPECT_EQ(answer.find("telephone-event"), std::string::npos);
}

TEST(MediaDescription, EveryOtherSectionIsRefusedInItsPlace) {
    const auto read =
        read_offer(offer("m=video 5000 RTP/AVP 31\r\nm=audio 4000 RTP/AVP 111\r\n"
                         "c=IN IP6 2001:db8::7\r\na=rtpmap:111 OPUS/48000/2\r\n"
                         "m=audio 4002 RTP/AVP 0\r\n"));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->codec, "opus");
    EXPECT_EQ(read->address, "2001:db8::7");
    const auto answer = answer_to(*read, "2001:db8::1", 40'000);
    const auto video = answer.find("m=video 0 RTP/AVP 31\r\n");
    const auto mixed = answer.find("m=audio 40000 RTP/AVP 111\r\n");
    const auto second = answer.find("m=audio 0 RTP/AVP 0\r\n");
    EXPECT_LT(video, mixed);
    EXPECT_LT(mixed, second);
    EXPECT_NE(second, std::string::npos);
    EXPECT_NE(answer.find("c=IN IP6 2001:db8::1\r\n"), std::string::npos);
}

TEST(MediaDescription, WhatCannotBeMixedIsNoOffer) {
    const std::string audio = "m=audio 4000 RTP/AVP 0\r\n";
    EXPECT_TRUE(read_offer(offer(audio)));
    EXPECT_FALSE(read_offer(""));
    EXPECT_FALSE(read_offer(offer("m=audio 4000 RTP/SAVP 0\r\n")));
    EXPECT_FALSE(read_offer(offer("m=audio 0 RTP/AVP 0\r\n")));
    EXPECT_FALSE(read_offer(offer("m=audio 70000 RTP/AVP 0\r\n")));
    EXPECT_FALSE(read_offer(offer("m=audio 4000 RTP/AVP 9\r\n")));
    EXPECT_FALSE(read_offer(offer("m=audio\r\n")));
    EXPECT_FALSE(read_offer(offer(audio, "")));
    EXPECT_FALSE(read_offer(offer(audio, "c=IN IP4 0.0.0.0\r\n")));
    EXPECT_FALSE(read_offer(offer(audio, "c=IN IP4 phone.example.com\r\n")));
    // 0 is PCMU unless the offer says otherwise.
    EXPECT_FALSE(read_offer(offer(audio + "a=rtpmap:0 G722/8000\r\n")));
}

}  // namespace
