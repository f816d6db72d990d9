// swift-tools-version: 6.3
import PackageDescription

/// Where set-up puts OpenVINO's headers and libraries (`make setup`); nothing else is looked for outside Debian's own paths.
let openVINO = Context.packageDirectory + "/.local/openvino"

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .treatAllWarnings(as: .error),
]

/// Pixel and factor arithmetic is some fifty times slower unoptimised, which would make the tests crawl.
let optimised: [SwiftSetting] = [.unsafeFlags(["-O"], .when(configuration: .debug))]

/// The same for C.
let optimisedC: [CSetting] = [.unsafeFlags(["-O2"], .when(configuration: .debug)), .treatAllWarnings(as: .error)]

let openVINOHeaders: [SwiftSetting] = [.unsafeFlags(["-Xcc", "-I\(openVINO)/include"])]
let openVINOLibraries: [LinkerSetting] = [
    .unsafeFlags(["-L\(openVINO)/lib", "-Xlinker", "-rpath", "-Xlinker", "\(openVINO)/lib"]),
    .unsafeFlags(["-Xlinker", "-rpath", "-Xlinker", "$ORIGIN/../lib/mien"]),
]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let configuration: Target.Dependency = .product(name: "Configuration", package: "swift-configuration")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let lifecycleTesting: Target.Dependency = .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTesting: Target.Dependency = .product(name: "HummingbirdTesting", package: "hummingbird")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let histogram: Target.Dependency = .product(name: "Histogram", package: "hdrhistogram-swift")

let package = Package(
    name: "mien",
    products: [
        .executable(name: "gateway", targets: ["Gateway"]),
        .executable(name: "vision", targets: ["VisionService"]),
        .executable(name: "identity", targets: ["Identity"]),
        .executable(name: "recommender", targets: ["Recommender"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(
            url: "https://github.com/apple/swift-configuration", exact: "1.4.0",
            traits: ["JSON", "Logging", "CommandLineArguments"]),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", exact: "0.2.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
    ],
    targets: [
        // What the services share.
        .target(name: "Messages", path: "Shared/Messages", swiftSettings: strict),
        .systemLibrary(name: "CRabbitMQ", path: "Shared/Broker/Connection/CRabbitMQ", pkgConfig: "librabbitmq"),
        .target(
            name: "Broker", dependencies: ["Messages", "Operations", "CRabbitMQ", logging, metrics, lifecycle],
            path: "Shared/Broker",
            exclude: ["Connection/CRabbitMQ"], swiftSettings: strict),
        .systemLibrary(name: "CPostgreSQL", path: "Shared/Database/CPostgreSQL", pkgConfig: "libpq"),
        .target(
            name: "Database", dependencies: ["Operations", "CPostgreSQL", logging, metrics, lifecycle],
            path: "Shared/Database",
            exclude: ["CPostgreSQL"], swiftSettings: strict),
        .systemLibrary(name: "COpenBLAS", path: "Shared/LinearAlgebra/COpenBLAS", pkgConfig: "openblas"),
        .target(
            name: "LinearAlgebra", dependencies: ["COpenBLAS"], path: "Shared/LinearAlgebra",
            exclude: ["COpenBLAS"], swiftSettings: strict),
        .target(name: "CSV", path: "Shared/CSV", swiftSettings: strict),
        .systemLibrary(name: "COpenSSL", path: "Shared/Digest/COpenSSL", pkgConfig: "libcrypto"),
        .target(
            name: "Digest", dependencies: ["COpenSSL"], path: "Shared/Digest", exclude: ["COpenSSL"],
            swiftSettings: strict),
        .target(
            name: "CProcessor", path: "Shared/Processor/CProcessor", publicHeadersPath: ".", cSettings: optimisedC),
        .target(
            name: "Processor", dependencies: ["CProcessor"], path: "Shared/Processor", exclude: ["CProcessor"],
            swiftSettings: strict),
        .target(
            name: "ModelManifest", dependencies: ["Digest", "Processor"], path: "Shared/ModelManifest",
            swiftSettings: strict),
        .target(
            name: "Operations",
            dependencies: [
                "Digest", logging, metrics, configuration, lifecycle, arguments, signals, system, hummingbird,
            ],
            path: "Shared/Operations", swiftSettings: strict),

        // The four services.
        .executableTarget(
            name: "Gateway",
            dependencies: [
                "Messages", "Broker", "Database", "Digest", "Operations", logging, metrics, lifecycle, arguments,
                hummingbird, nio, nioHTTP1, "CZlib",
            ],
            path: "Services/Gateway", exclude: ["HTTP/CZlib"],
            resources: [.embedInCode("Page"), .embedInCode("openapi.yaml")],
            swiftSettings: strict),
        .systemLibrary(name: "CZlib", path: "Services/Gateway/HTTP/CZlib", pkgConfig: "zlib"),
        .systemLibrary(name: "CTurboJPEG", path: "Services/Vision/Library/CTurboJPEG", pkgConfig: "libturbojpeg"),
        .target(
            name: "CJPEG", path: "Services/Vision/Library/CJPEG", publicHeadersPath: ".", cSettings: optimisedC,
            linkerSettings: [.linkedLibrary("jpeg")]),
        .target(
            name: "CPNG", path: "Services/Vision/Library/CPNG", publicHeadersPath: ".", cSettings: optimisedC,
            linkerSettings: [.linkedLibrary("png")]),
        .systemLibrary(name: "COpenVINO", path: "Services/Vision/Library/COpenVINO"),
        .target(
            name: "CCascade", dependencies: ["CProcessor"], path: "Services/Vision/Library/CCascade",
            publicHeadersPath: ".",
            cSettings: optimisedC),
        .target(
            name: "Vision",
            dependencies: [
                "Messages", "ModelManifest", "Processor", "CTurboJPEG", "CJPEG", "CPNG", "COpenVINO", "CCascade",
            ],
            path: "Services/Vision/Library", exclude: ["CTurboJPEG", "CJPEG", "CPNG", "COpenVINO", "CCascade"],
            swiftSettings: strict + optimised + openVINOHeaders, linkerSettings: openVINOLibraries),
        .target(
            name: "VisionTool", dependencies: ["Vision", "Messages", "ModelManifest", "CSV", "Operations", arguments],
            path: "Services/Vision/Tool", swiftSettings: strict + openVINOHeaders),
        .executableTarget(
            name: "VisionService",
            dependencies: [
                "Vision", "VisionTool", "Messages", "Broker", "ModelManifest", "Operations", logging, metrics,
                configuration, lifecycle, arguments,
            ],
            path: "Services/Vision/Service", swiftSettings: strict + openVINOHeaders,
            linkerSettings: openVINOLibraries),
        .executableTarget(
            name: "Identity",
            dependencies: [
                "Messages", "Broker", "Database", "FaceSearch", "LinearAlgebra", "ModelManifest", "Operations",
                "Processor", logging, metrics, configuration, lifecycle, arguments,
            ],
            path: "Services/Identity", exclude: ["FaceSearch"], swiftSettings: strict),
        .target(
            name: "CFaceSearch", dependencies: ["CProcessor"], path: "Services/Identity/FaceSearch/CFaceSearch",
            publicHeadersPath: ".", cSettings: optimisedC),
        .target(
            name: "FaceSearch", dependencies: ["Messages", "Processor", "CFaceSearch"],
            path: "Services/Identity/FaceSearch", exclude: ["CFaceSearch"], swiftSettings: strict + optimised),
        .target(
            name: "CFactors", dependencies: ["CProcessor"], path: "Services/Recommender/ImplicitALS/CFactors",
            publicHeadersPath: ".", cSettings: optimisedC),
        .target(
            name: "ImplicitALS", dependencies: ["LinearAlgebra", "Processor", "CFactors"],
            path: "Services/Recommender/ImplicitALS", exclude: ["CFactors"], swiftSettings: strict + optimised),
        .target(
            name: "RecommenderTool", dependencies: ["ImplicitALS", "CSV", "Operations", arguments],
            path: "Services/Recommender/Tool", swiftSettings: strict),
        .executableTarget(
            name: "Recommender",
            dependencies: [
                "Messages", "Broker", "Database", "LinearAlgebra", "CSV", "Operations", "Processor", "ImplicitALS",
                "RecommenderTool", logging, metrics, configuration, lifecycle, arguments, httpClient,
            ],
            path: "Services/Recommender/Service", resources: [.embedInCode("Catalogue/videos.csv")],
            swiftSettings: strict),

        // A database of a test's own.
        .target(
            name: "DatabaseTesting", dependencies: ["Database", logging], path: "Tests/DatabaseTesting",
            swiftSettings: strict),
        // A relay in the middle of a test's connections, to break them.
        .target(name: "RelayTesting", path: "Tests/RelayTesting", swiftSettings: strict),
        // Spoilt pictures, for `make fuzz` and a test.
        .target(
            name: "PictureFuzz", path: "Tests/PictureFuzz", resources: [.copy("Seeds")], swiftSettings: strict),
        // The load driver of `make bench`, and `make fuzz`.
        .executableTarget(
            name: "bench",
            dependencies: [
                "Messages", "Broker", "PictureFuzz", logging, lifecycle, arguments, httpClient, histogram, nio,
                nioHTTP1, signals,
            ],
            path: "Tests/Benchmarks/Load", swiftSettings: strict),
        // The measured command of `make bench-als`.
        .executableTarget(
            name: "bench-als", dependencies: ["ImplicitALS", "LinearAlgebra", "Processor", arguments],
            path: "Tests/Benchmarks/als/Measure", swiftSettings: strict),
        // The measured command of `make bench-identity`.
        .executableTarget(
            name: "bench-identity", dependencies: ["FaceSearch", "LinearAlgebra", "Messages", "Processor", arguments],
            path: "Tests/Benchmarks/identity/Measure", swiftSettings: strict),

        // Tests: one folder a module, and the whole suite on real parts.
        .testTarget(name: "MessagesTests", dependencies: ["Messages"], swiftSettings: strict),
        .testTarget(
            name: "BrokerTests", dependencies: ["Broker", "Messages", "RelayTesting", lifecycleTesting, subprocess],
            swiftSettings: strict),
        .testTarget(
            name: "DatabaseTests", dependencies: ["Database", "DatabaseTesting", "RelayTesting", lifecycleTesting],
            swiftSettings: strict),
        .testTarget(name: "CSVTests", dependencies: ["CSV"], swiftSettings: strict),
        .testTarget(name: "DigestTests", dependencies: ["Digest"], swiftSettings: strict),
        .testTarget(name: "LinearAlgebraTests", dependencies: ["LinearAlgebra"], swiftSettings: strict),
        .testTarget(name: "ModelManifestTests", dependencies: ["ModelManifest"], swiftSettings: strict),
        .testTarget(
            name: "OperationsTests",
            dependencies: [
                "Operations", logging, metrics, configuration, lifecycleTesting, hummingbird, hummingbirdTesting,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "GatewayTests",
            dependencies: [
                "Gateway", "Messages", "Broker", "Database", "DatabaseTesting", "Operations", logging, metrics,
                lifecycle,
                lifecycleTesting, nio, nioHTTP1, nioPosix, hummingbird, hummingbirdTesting,
            ],
            swiftSettings: strict),
        .systemLibrary(name: "CLibJPEG", path: "Tests/VisionTests/CLibJPEG"),
        .testTarget(
            name: "VisionTests",
            dependencies: [
                "Vision", "VisionTool", "VisionService", "CLibJPEG", "Messages", "ModelManifest", "Processor",
                arguments,
            ],
            exclude: ["CLibJPEG"],
            resources: [.copy("Photos")],
            swiftSettings: strict + openVINOHeaders, linkerSettings: openVINOLibraries),
        .testTarget(
            name: "IdentityTests",
            dependencies: [
                "Identity", "Vision", "Messages", "Broker", "Database", "DatabaseTesting", "ModelManifest", "Processor",
            ],
            swiftSettings: strict + openVINOHeaders, linkerSettings: openVINOLibraries),
        .testTarget(
            name: "FaceSearchTests", dependencies: ["FaceSearch", "CFaceSearch", "Messages", "Processor"],
            swiftSettings: strict + optimised),
        .testTarget(
            name: "ImplicitALSTests", dependencies: ["ImplicitALS", "LinearAlgebra", "Processor"],
            swiftSettings: strict),
        .testTarget(
            name: "RecommenderToolTests", dependencies: ["RecommenderTool", "ImplicitALS", "CSV"],
            swiftSettings: strict),
        .testTarget(
            name: "RecommenderTests",
            dependencies: [
                "Recommender", "ImplicitALS", "Messages", "Database", "DatabaseTesting", hummingbird,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "SuiteTests",
            dependencies: [
                "Messages", "Broker", "Database", "PictureFuzz", httpClient, nio, nioHTTP1, subprocess, system,
            ],
            swiftSettings: strict),
    ]
)
