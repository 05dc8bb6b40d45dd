
// One write port with an enable per UNIT bits, one registered read port that holds its output.
// A read in the cycle of a write to its address gives the old word. All words start as 0.
module sparsespike_memory #(
  parameter WIDTH = 8,
  parameter DEPTH = 2,
  parameter ADDRESS = 1,
  parameter UNIT = 8
) (
  input clk,
  input [WIDTH/UNIT-1:0] write_enable,
  input [ADDRESS-1:0] write_address,
  input [WIDTH-1:0] write_data,
  input read_enable,
  input [ADDRESS-1:0] read_address,
  output reg [WIDTH-1:0] read_data
);
  reg [WIDTH-1:0] words [0:DEPTH-1];
  integer i;
  initial begin
    read_data = {WIDTH{1'b0}};
    for (i = 0; i < DEPTH; i = i + 1) words[i] = {WIDTH{1'b0}};
  end
  genvar unit;
  generate
    for (unit = 0; unit < WIDTH / UNIT; unit = unit + 1) begin : write
      always @(posedge clk)
        if (write_enable[unit])
          words[write_address][unit*UNIT +: UNIT] <= write_data[unit*UNIT +: UNIT];
    end
  endgenerate
  always @(posedge clk)
    if (read_enable) read_data <= words[read_address];
endmodule

// The same with an unregistered read port.
module sparsespike_register_file #(
  parameter WIDTH = 8,
  parameter DEPTH = 2,
  parameter ADDRESS = 1,
  parameter UNIT = 8
) (
  input clk,
  input [WIDTH/UNIT-1:0] write_enable,
  input [ADDRESS-1:0] write_address,
  input [WIDTH-1:0] write_data,
  input [ADDRESS-1:0] read_address,
  output [WIDTH-1:0] read_data
);
  reg [WIDTH-1:0] words [0:DEPTH-1];
  integer i;
  initial for (i = 0; i < DEPTH; i = i + 1) words[i] = {WIDTH{1'b0}};
  genvar unit;
  generate
    for (unit = 0; unit < WIDTH / UNIT; unit = unit + 1) begin : write
      always @(posedge clk)
        if (write_enable[unit])
          words[write_address][unit*UNIT +: UNIT] <= write_data[unit*UNIT +: UNIT];
    end
  endgenerate
  assign read_data = words[read_address];
endmodule
