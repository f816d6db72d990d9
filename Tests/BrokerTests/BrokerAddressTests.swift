import Testing

@testable import Broker

@Suite struct BrokerAddressTests {
    @Test func everyPartOfAnAddressIsRead() {
        let address = BrokerAddress(uri: "amqp://ann:p%40ss@broker.example:5673/a%2Fb?heartbeat=7")
        #expect(
            address
                == BrokerAddress(
                    host: "broker.example", port: 5673, user: "ann", password: "p@ss", virtualHost: "a/b",
                    heartbeat: .seconds(7)))
    }

    @Test func whatIsLeftOutHasADefault() {
        #expect(BrokerAddress(uri: "amqp://localhost") == BrokerAddress(host: "localhost"))
        #expect(BrokerAddress(uri: "amqp://localhost/") == BrokerAddress(host: "localhost"))
    }

    @Test(arguments: ["", "localhost", "http://localhost", "amqp://", "amqp://localhost?heartbeat=never"])
    func whatIsNoAddressIsRefused(text: String) {
        #expect(BrokerAddress(uri: text) == nil)
    }

    @Test func thePasswordIsNotShown() {
        #expect(!"\(BrokerAddress(password: "sesame"))".contains("sesame"))
    }
}
