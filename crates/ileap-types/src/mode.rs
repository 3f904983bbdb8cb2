//! Words of transport that several iLEAP objects share.

use crate::wire::wire_enum;

wire_enum! {
    /// How goods move (iLEAP 1.0.0 `TransportMode`).
    pub open enum TransportMode {
        /// By truck.
        Road = "Road",
        /// By train.
        Rail = "Rail",
        /// By aircraft.
        Air = "Air",
        /// By sea-going ship.
        Sea = "Sea",
        /// By inland ship.
        InlandWaterway = "InlandWaterway",
    }
}

wire_enum! {
    /// The temperature of a transport or hub operation (iLEAP 1.0.0 "TOC", "HOC", `temperatureControl`).
    pub open enum TemperatureControl {
        /// Not controlled.
        Ambient = "ambient",
        /// Controlled.
        Refrigerated = "refrigerated",
        /// Both.
        Mixed = "mixed",
    }
}

wire_enum! {
    /// What goods are packed in or carried by (iLEAP 1.0.0 `PackagingOrTrEqType`).
    pub open enum PackagingOrTrEqType {
        /// A box.
        Box = "Box",
        /// A pallet.
        Pallet = "Pallet",
        /// A container of twenty feet.
        ContainerTeu = "Container-TEU",
        /// A container of forty feet.
        ContainerFeu = "Container-FEU",
        /// A container of any size; discouraged.
        Container = "Container",
    }
}

wire_enum! {
    /// What emissions were certified against (iLEAP 1.0.0 "TOC", "HOC", `certifications`).
    pub open enum Certification {
        /// ISO 14083:2023.
        Iso14083 = "ISO14083:2023",
        /// GLEC Framework 2.
        GlecV2 = "GLECv2",
        /// GLEC Framework 3.
        GlecV3 = "GLECv3",
        /// GLEC Framework 3.1.
        GlecV31 = "GLECv3.1",
    }
}
