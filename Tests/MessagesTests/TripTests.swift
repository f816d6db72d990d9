import Messages
import Testing

@Suite struct TripTests {
    @Test func aSelfieGoesAllTheWay() {
        #expect(Trip.selfie.stages == [.vision, .identity, .recommender])
        #expect(Trip.selfie.stage(after: .vision) == .identity)
        #expect(Trip.selfie.stage(after: .identity) == .recommender)
        #expect(Trip.selfie.stage(after: .recommender) == nil)
    }

    @Test(arguments: Trip.allCases)
    func everyTripHasAFirstStageAndNoneTwice(trip: Trip) {
        #expect(!trip.stages.isEmpty)
        #expect(Set(trip.stages).count == trip.stages.count)
        #expect(!trip.stages.contains(.gateway))
    }

    @Test func aStageOffTheTripLeadsNowhere() {
        #expect(Trip.analysis.stage(after: .identity) == nil)
        #expect(Trip.erasure.stage(after: .gateway) == nil)
    }
}
