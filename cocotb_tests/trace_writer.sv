// Writes what the engine does to trace.txt, one line an event: a letter, the cycle, the values.
//
//   S cycle                            start: write handshake of CTRL.start, a frame's cycle 0
//   I cycle reads bursts writes        interrupt rises; R, AR and W handshakes since the start
//   L cycle layer                      last cycle of a layer's epilogue
//   R cycle memory address data(hex)   row written (memory 0: spikes, 1: counts)
//   P cycle position score             token score
//   K cycle index token                entry of the kept-token list
//   A cycle address beats              write burst on the bus
//   W cycle last data(hex)             write beat on the bus
//   V cycle text                       AXI protocol violation
module trace_writer #(
    parameter ADDRESS_BITS = 64,
    parameter DATA_BITS = 64,
    parameter ROW_BITS = 64,
    parameter TOKEN_BITS = 6
) (
    input wire                        clk,
    input wire                        rst,
    input wire                        frame_start,
    input wire                        irq,
    input wire                        row_valid,
    input wire                        row_memory,
    input wire [31:0]                 row_address,
    input wire [ROW_BITS-1:0]         row_data,
    input wire                        score_valid,
    input wire [TOKEN_BITS-1:0]       score_position,
    input wire signed [31:0]          score_value,
    input wire                        keep_valid,
    input wire [TOKEN_BITS-1:0]       keep_index,
    input wire [TOKEN_BITS-1:0]       keep_value,
    input wire                        layer_valid,
    input wire [15:0]                 layer_index,
    input wire                        arvalid,
    input wire                        arready,
    input wire [ADDRESS_BITS-1:0]     araddr,
    input wire [7:0]                  arlen,
    input wire [2:0]                  arsize,
    input wire [1:0]                  arburst,
    input wire                        rvalid,
    input wire                        rready,
    input wire                        awvalid,
    input wire                        awready,
    input wire [ADDRESS_BITS-1:0]     awaddr,
    input wire [7:0]                  awlen,
    input wire [2:0]                  awsize,
    input wire [1:0]                  awburst,
    input wire                        wvalid,
    input wire                        wready,
    input wire [DATA_BITS-1:0]        wdata,
    input wire                        wlast
);
    localparam SIZE = $clog2(DATA_BITS / 8);

    integer file;
    reg [31:0] now, reads, bursts, writes;
    reg irq_before;

    initial begin
        file = $fopen("trace.txt", "w");
        now = 0;
        irq_before = 0;
    end

    always @(posedge clk) begin
        now <= now + 1;
        irq_before <= irq && !rst;
        if (rst || frame_start) begin
            reads <= 0;
            bursts <= 0;
            writes <= 0;
        end else begin
            reads <= reads + (rvalid && rready);
            bursts <= bursts + (arvalid && arready);
            writes <= writes + (wvalid && wready);
        end
        if (!rst) begin
            if (frame_start) $fwrite(file, "S %0d\n", now);
            if (row_valid)
                $fwrite(file, "R %0d %0d %0d %h\n", now, row_memory, row_address, row_data);
            if (score_valid) $fwrite(file, "P %0d %0d %0d\n", now, score_position, score_value);
            if (keep_valid) $fwrite(file, "K %0d %0d %0d\n", now, keep_index, keep_value);
            if (awvalid && awready)
                $fwrite(file, "A %0d %0d %0d\n", now, awaddr, awlen + 9'd1);
            if (wvalid && wready) $fwrite(file, "W %0d %0d %h\n", now, wlast, wdata);
            if (layer_valid) $fwrite(file, "L %0d %0d\n", now, layer_index);
            if (irq && !irq_before) begin
                $fwrite(file, "I %0d %0d %0d %0d\n", now, reads, bursts, writes);
                $fflush(file);
            end
        end
    end

    // AXI4 rules: a request holds until it is taken, bursts are aligned, increment, stay in 4 KiB.
    reg ar_waits, aw_waits, w_waits;
    reg [ADDRESS_BITS-1:0] ar_held, aw_held;
    reg [DATA_BITS-1:0] w_held;

    wire [12:0] ar_end = araddr[11:0] + ((arlen + 13'd1) << SIZE);
    wire [12:0] aw_end = awaddr[11:0] + ((awlen + 13'd1) << SIZE);

    always @(posedge clk) begin
        if (rst) begin
            ar_waits <= 0;
            aw_waits <= 0;
            w_waits <= 0;
        end else begin
            ar_waits <= arvalid && !arready;
            aw_waits <= awvalid && !awready;
            w_waits <= wvalid && !wready;
            ar_held <= araddr;
            aw_held <= awaddr;
            w_held <= wdata;
            if (ar_waits && (!arvalid || araddr != ar_held))
                $fwrite(file, "V %0d AR changed before ARREADY\n", now);
            if (aw_waits && (!awvalid || awaddr != aw_held))
                $fwrite(file, "V %0d AW changed before AWREADY\n", now);
            if (w_waits && (!wvalid || wdata != w_held))
                $fwrite(file, "V %0d W changed before WREADY\n", now);
            if (arvalid && (ar_end > 13'd4096 || arsize != SIZE || arburst != 2'd1))
                $fwrite(file, "V %0d AR burst leaves its page, or is no full-width INCR\n", now);
            if (awvalid && (aw_end > 13'd4096 || awsize != SIZE || awburst != 2'd1))
                $fwrite(file, "V %0d AW burst leaves its page, or is no full-width INCR\n", now);
        end
    end
endmodule
