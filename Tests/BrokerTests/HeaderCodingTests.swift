import Foundation
import Messages
import Testing

@testable import Broker

@Suite struct HeaderCodingTests {
    @Test func aHeaderReadsBackToTheMillisecond() throws {
        let header = JobHeader(
            job: .random(), trip: .selfie,
            reply: .interactive(deadline: Date(timeIntervalSince1970: 1_800_000_000.125), gateway: .random()),
            published: Date(timeIntervalSince1970: 1_799_999_990.5),
            submitted: Date(timeIntervalSince1970: 1_799_999_980.25), attempt: 2,
            timings: [StageTiming(stage: .vision, queued: 1.5, worked: 80)])
        #expect(HeaderCoding.decode(try HeaderCoding.encode(header)) == .header(header))
    }

    @Test func anOperatorCanReadIt() throws {
        let header = JobHeader.sample(deadlineIn: 0, published: Date(timeIntervalSince1970: 1_800_000_000))
        let text = try HeaderCoding.encode(header)
        #expect(text.contains(#""deadline":"2027-01-15T08:00:00.000Z""#))
        #expect(text.contains(#""job":"\#(header.job)""#))
    }

    @Test func aHeaderOfAnEarlierBuildWasSubmittedWhenItWasPublished() throws {
        let header = JobHeader.sample(published: Date(timeIntervalSince1970: 1_799_999_990.5))
        let text = try HeaderCoding.encode(header)
        let earlier = text.replacing(/"submitted":"[^"]*",?/, with: "")
        #expect(earlier != text)
        #expect(HeaderCoding.decode(earlier) == .header(header))
    }

    @Test func aHeaderOfAnEarlierBuildHasNeitherWaitsNorLosses() throws {
        var header = JobHeader.sample(published: Date(timeIntervalSince1970: 1_799_999_990.5))
        (header.waits, header.losses) = (3, 2)
        let text = try HeaderCoding.encode(header)
        #expect(HeaderCoding.decode(text) == .header(header))
        let earlier = text.replacing(/"(waits|losses)":\d,?/, with: "")
        (header.waits, header.losses) = (0, 0)
        #expect(HeaderCoding.decode(earlier) == .header(header))
    }

    @Test func aNewerSchemaIsToldFromNonsense() throws {
        var header = JobHeader.sample(published: Date(timeIntervalSince1970: 1_799_999_990.5))
        header.schema = 2
        #expect(HeaderCoding.decode(try HeaderCoding.encode(header)) == .newer(schema: 2, header))
        #expect(HeaderCoding.decode(#"{"schema":3,"trip":"to-the-moon"}"#) == .newer(schema: 3, nil))
        #expect(HeaderCoding.decode(#"{"schema":1,"trip":"to-the-moon"}"#) == .unreadable)
        #expect(HeaderCoding.decode("{}") == .unreadable)
        #expect(HeaderCoding.decode("") == .unreadable)
    }
}
